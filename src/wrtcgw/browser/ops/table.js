// Tables that live: rows are kept by their key and filled again, so that focus and reading position stay.

import { el, say, show } from "../softphone/dom.js";

/** @import { Level } from "./types.js" */

/**
 * @template Item
 * @typedef {(cell: HTMLElement, item: Item) => void} Fill
 */

/**
 * Makes a table. Roles are told as well, because on narrow screens its rows are shown as cards.
 * @template Item
 * @param {{ caption: string, empty: string, columns: { title: string, name: string, head?: boolean, unseen?: boolean,
 *   fill: Fill<Item> }[], key: (item: Item) => string, className?: string }} options
 */
export function liveTable({ caption, empty, columns, key, className = "" }) {
  const head = columns.map((column) =>
    el(
      "th",
      { scope: "col", role: "columnheader", class: column.name },
      el("span", { class: column.unseen ? "unseen" : "" }, column.title),
    ),
  );
  const body = el("tbody", { role: "rowgroup" });
  const table = el(
    "table",
    { class: `live ${className}`, role: "table" },
    el("caption", { class: "unseen" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    body,
  );
  const nothing = el("p", { class: "empty" }, empty);
  /** @type {Map<string, HTMLElement>} */
  const rows = new Map();

  /** @param {Item[]} items */
  function update(items) {
    const wanted = new Map(items.map((item) => [key(item), item]));
    for (const [id, row] of rows) if (!wanted.has(id)) rows.delete(id) && row.remove();
    items.forEach((item, index) => {
      const id = key(item);
      const row = rows.get(id) ?? made(columns, id);
      rows.set(id, row);
      if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
      columns.forEach((column, at) => column.fill(/** @type {HTMLElement} */ (row.children[at]), item));
    });
    show(table, items.length);
    show(nothing, !items.length);
  }
  update([]);
  return { element: el("div", { class: "table" }, table, nothing), update, say: saying };
  /** @param {string} words */
  function saying(words) {
    say(nothing, words);
  }
}

/**
 * @param {{ title: string, name: string, head?: boolean, unseen?: boolean }[]} columns
 * @param {string} id
 */
function made(columns, id) {
  const row = el("tr", { role: "row", "data-key": id });
  for (const column of columns) {
    const cell = column.head ? el("th", { scope: "row", role: "rowheader" }) : el("td", { role: "cell" });
    cell.className = column.name;
    cell.dataset.title = column.unseen ? "" : column.title;
    row.append(cell);
  }
  return row;
}

/**
 * A cell with text alone, "–" where there is none.
 * @template Item
 * @param {(item: Item) => unknown} read
 * @returns {Fill<Item>}
 */
export function text(read) {
  return (cell, item) => say(cell, String(read(item) || "–"));
}

/**
 * A cell with a badge: `read` returns its level ("ok", "wait", "bad", "off") and its word.
 * @template Item
 * @param {(item: Item) => [Level, string]} read
 * @returns {Fill<Item>}
 */
export function badge(read) {
  return (cell, item) => {
    if (!cell.firstChild) cell.append(el("span", { class: "badge" }));
    const [level, word] = read(item);
    fillBadge(/** @type {HTMLElement} */ (cell.firstChild), level, word);
  };
}

/**
 * Sets a badge.
 * @param {HTMLElement} node
 * @param {Level} level
 * @param {string} word
 */
export function fillBadge(node, level, word) {
  if (node.dataset.level !== level) node.dataset.level = level;
  say(node, word);
}

/**
 * A cell with buttons; `make` is called once a row and returns them. What they act on is read when they are pressed:
 * `make` gets a function that returns the row's item as it is then.
 * @template {object} Item
 * @param {(item: () => Item) => HTMLElement[]} make
 * @param {Fill<Item>} [fill]
 * @returns {Fill<Item>}
 */
export function buttons(make, fill = () => {}) {
  /** @type {WeakMap<HTMLElement, Item>} */
  const items = new WeakMap();
  return (cell, item) => {
    items.set(cell, item);
    if (!cell.firstChild)
      cell.append(
        el(
          "div",
          { class: "buttons" },
          make(() => items.get(cell) ?? item),
        ),
      );
    fill(cell, item);
  };
}
