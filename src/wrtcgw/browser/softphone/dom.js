// Elements, made once and then changed in place, so that focus and what a screen reader reads stay where they are.

/**
 * @typedef {Node | string | null | undefined} Child
 * @typedef {{onclick?: (event: Event) => unknown, onchange?: (event: Event) => unknown,
 *   oninput?: (event: Event) => unknown, onfocus?: (event: Event) => unknown, ontoggle?: (event: Event) => unknown,
 *   onsubmit?: (event: SubmitEvent) => unknown, onkeydown?: (event: KeyboardEvent) => unknown}
 *   & Record<string, unknown>} Attributes
 */

/**
 * Makes an element. Functions are listeners (`onclick`), true and false switch an attribute, null leaves it or a child
 * out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) put(node, name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * Sets one attribute or listener of an element.
 * @param {Element} node
 * @param {string} name
 * @param {any} value
 */
export function put(node, name, value) {
  if (typeof value === "function") node.addEventListener(name.slice(2), value);
  else if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else if (name === "value") /** @type {HTMLInputElement} */ (node).value = value;
  else if (node.getAttribute(name) !== shown(value)) node.setAttribute(name, shown(value));
}

/** @param {unknown} value */
function shown(value) {
  return value === true ? "" : String(value);
}

/**
 * Sets the text of an element, if it is another one: screen readers speak again what is set again.
 * @param {Node} node
 * @param {string} text
 */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Shows or hides an element.
 * @param {HTMLElement} node
 * @param {unknown} on
 */
export function show(node, on) {
  if (node.hidden === Boolean(on)) node.hidden = !on;
}

/**
 * Puts these elements into a parent in this order, moving none that stands right.
 * @param {Element} parent
 * @param {Element[]} nodes
 */
export function arrange(parent, nodes) {
  for (const child of [...parent.children]) if (!nodes.includes(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

let count = 0;

/**
 * Returns an id that no other element of the page has.
 * @param {string} name
 */
export function uniqueId(name) {
  return `${name}-${(count += 1)}`;
}
