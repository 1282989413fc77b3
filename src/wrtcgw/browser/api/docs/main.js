// The page that shows the API: made of openapi.json, nothing else; it loads nothing from elsewhere.

import { el } from "../../softphone/dom.js";
import { menu } from "../../softphone/menu.js";
import { LANGUAGES, loadTexts } from "../../softphone/texts.js";
import { field } from "../../softphone/views/parts.js";
import { fieldsOf, fits, operationsOf } from "./model.js";

/** @import { Texts } from "../../softphone/texts.js" */
/** @import { Field, Operation, Part } from "./model.js" */

const HOME = new URL("./", import.meta.url);
const ROOT = new URL("../../", HOME).href;
const KEPT = "wrtcgw-apidocs-language";

/** @type {(id: string) => HTMLElement} */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {Texts} */
let texts;
/** @type {Part} */
let spec;
let wanted = "";
/** @type {ReturnType<typeof menu> | null} */
let settings = null;

/**
 * @param {string} key
 * @param {Record<string, string>} [params]
 */
const t = (key, params) => texts.t(key, params);

/** @param {string} tag */
const anchor = (tag) => tag.toLowerCase().replace(/\W+/g, "-");

/**
 * Text with `code` in it.
 * @param {string} text
 */
function prose(text) {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? el("code", null, part) : part));
}

/**
 * @param {string} title
 * @param {Field[]} fields
 */
function table(title, fields) {
  if (!fields.length) return null;
  const rows = fields.map(({ name, type, required, where, text }) =>
    el(
      "tr",
      null,
      el("td", null, el("code", null, name)),
      el("td", null, el("code", null, type)),
      el(
        "td",
        null,
        ...prose(text),
        required ? ` (${t("required")})` : null,
        where === "header" ? ` (${t("header")})` : null,
      ),
    ),
  );
  const head = el(
    "tr",
    null,
    el("th", { scope: "col" }, t("field")),
    el("th"),
    el("th", { scope: "col" }, t("meaning")),
  );
  return el("div", null, el("h4", null, title), el("table", null, el("thead", null, head), el("tbody", null, ...rows)));
}

/** @param {Operation} one */
function card(one) {
  const who = one.who ? el("p", null, t("needs", { who: t(one.who) })) : null;
  const bodies = one.bodies.map(({ kind, fields, example }, index) =>
    index && !example && JSON.stringify(fields) === JSON.stringify(one.bodies[0].fields)
      ? el("p", null, t("or", { kind }))
      : el(
          "div",
          null,
          table(`${t("body")}: ${kind}`, fields) ?? el("h4", null, `${t("body")}: ${kind}`),
          example ? el("pre", null, example) : null,
        ),
  );
  const answers = one.answers.map(({ status, text, kinds, schema }) =>
    el(
      "p",
      null,
      el("strong", null, status),
      " ",
      ...prose(text),
      kinds.length ? ` ${kinds.join(", ")}` : null,
      schema ? ` (${schema})` : null,
    ),
  );
  const errors = one.errors.map(({ code, body }) =>
    el("details", null, el("summary", null, el("code", null, code)), el("div", null, el("pre", null, body))),
  );
  return el(
    "details",
    { id: one.id },
    el(
      "summary",
      null,
      el("span", { class: "method" }, one.method),
      el("code", null, one.path),
      el("span", null, one.summary),
    ),
    el(
      "div",
      null,
      one.text ? el("p", null, ...prose(one.text)) : null,
      who,
      table(t("fields"), one.fields),
      ...bodies,
      el("h4", null, t("example")),
      el("pre", null, one.curl),
      el("h4", null, t("answers")),
      ...answers,
      errors.length ? el("h4", null, t("errors")) : null,
      ...errors,
    ),
  );
}

/**
 * @param {string} name
 * @param {Part} schema
 */
function shape(name, schema) {
  return el(
    "details",
    { id: `schema-${name}` },
    el("summary", null, el("code", null, name), el("span", null, schema.description ?? "")),
    el("div", null, table(t("fields"), fieldsOf(spec, schema)), el("pre", null, JSON.stringify(schema, null, 2))),
  );
}

function content() {
  const all = operationsOf(spec, ROOT).filter((one) => fits(one, wanted));
  const sections = spec.tags
    .map((/** @type {Part} */ tag) => ({ ...tag, found: all.filter((one) => one.tag === tag.name) }))
    .filter((/** @type {Part} */ tag) => tag.found.length);
  $("main").replaceChildren(
    ...sections.map((/** @type {Part} */ { name, description, found }) =>
      el("section", null, el("h2", { id: anchor(name) }, name), el("p", null, description), ...found.map(card)),
    ),
  );
  if (!wanted) {
    const schemas = Object.entries(spec.components.schemas).map(([name, schema]) => shape(name, schema));
    $("main").append(el("section", null, el("h2", { id: "schemas" }, t("schemas")), ...schemas));
  } else if (!all.length) $("main").append(el("p", null, t("nothing")));
  const links = sections.map((/** @type {Part} */ { name }) =>
    el("li", null, el("a", { href: `#${anchor(name)}` }, name)),
  );
  if (!wanted) links.push(el("li", null, el("a", { href: "#schemas" }, t("schemas"))));
  $("nav").setAttribute("aria-label", t("sections"));
  $("nav").replaceChildren(el("ul", null, ...links));
}

function around() {
  document.documentElement.lang = texts.language;
  document.title = t("title");
  $("title").textContent = t("title");
  $("skip").textContent = t("skip");
  $("about").replaceChildren(el("span", { lang: "en" }, ...prose(spec.info.description)));
  const filter = el("input", {
    type: "search",
    value: wanted,
    oninput: (event) => {
      wanted = /** @type {HTMLInputElement} */ (event.target).value.trim();
      content();
    },
  });
  const languages = Object.entries(LANGUAGES).map(([name, own]) =>
    el("option", { value: name, selected: name === texts.language }, own),
  );
  const choice = el(
    "select",
    { onchange: (event) => speak(/** @type {HTMLSelectElement} */ (event.target).value) },
    ...languages,
  );
  const open = settings?.isOpen();
  settings?.stop();
  settings = menu({ label: t("language"), open, shape: "globe" }, field(t("language"), choice));
  const document_ = el("a", { href: "../openapi.json" }, t("document"));
  $("tools").replaceChildren(document_, settings.element);
  $("find").replaceChildren(field(t("filter"), filter));
}

/** @param {string} language */
async function speak(language) {
  if (language) localStorage.setItem(KEPT, language);
  texts = await loadTexts(language || (localStorage.getItem(KEPT) ?? ""), HOME);
  around();
  content();
}

async function begin() {
  texts = await loadTexts(localStorage.getItem(KEPT) ?? "", HOME);
  const response = await fetch(new URL("../openapi.json", HOME));
  if (!response.ok) throw new Error(String(response.status));
  spec = await response.json();
  around();
  content();
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
  if (target) target.scrollIntoView();
}

begin().catch((error) => {
  $("main").replaceChildren(el("p", { role: "alert" }, t("failed", { message: String(error.message) })));
});
