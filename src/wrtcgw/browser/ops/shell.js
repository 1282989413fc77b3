// What is around the views: state, search, theme, navigation, and what is said aloud.

import { el, put, say, show, uniqueId } from "../softphone/dom.js";
import { menu } from "../softphone/menu.js";
import { field } from "../softphone/views/parts.js";
import { isUTC, localZone, useUTC } from "./format.js";
import { fillBadge } from "./table.js";
import { LANGUAGES } from "../softphone/texts.js";
import { language, t } from "./texts.js";

/** @import { Level, Summary } from "./types.js" */

/** @type {Record<string, Level>} */
const LEVELS = { ok: "ok", degraded: "wait", draining: "wait", down: "bad" };
const VIEWS = ["overview", "agents", "calls", "sessions"];
/** @type {Record<string, string>} */
const NEEDS = { sessions: "admin" }; // the roles that see a view
const THEME = "wrtcgw-ops-theme";
const SAID = 8000;

/** @type {ReturnType<typeof menu> | null} */
let settings = null;

/** @type {(id: string) => HTMLElement} */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Makes it; made again it is in the language of then.
 * @param {{ onforget: () => void, onretry: () => void, onzone: () => void, onlanguage: (name: string) => void }} desk
 */
export function frame({ onforget, onretry, onzone, onlanguage }) {
  relabel();
  const state = el("span", { class: "badge state", role: "status" }, t("state.asking"));
  state.dataset.level = "off";
  $("state").replaceChildren(state);
  const forget = el("button", { type: "button", class: "button", hidden: true, onclick: onforget }, t("lock.forget"));
  const who = el("span", { class: "soft who" });
  const find = search();
  const open = settings?.isOpen();
  settings?.stop();
  settings = menu({ label: t("page.menu"), open }, languages(onlanguage), theme(), forget);
  $("tools").replaceChildren(find.element, zone(onzone), settings.element);
  const links = navigation();
  $("nav").append(who);
  const notice = notices(onretry);

  return {
    /** @param {string} hash */
    turn(hash) {
      const [, name = "", rest = ""] = /^#?\/?([^/?]*)[/?]?(.*)$/s.exec(hash) ?? [];
      const current = VIEWS.includes(name) ? name : name === "search" ? "" : "overview";
      for (const [each, link] of links) put(link, "aria-current", each === current ? "page" : null);
      if (name === "search") find.set(rest);
    },
    /**
     * @param {Summary} summary
     * @param {boolean} token whether one is in use
     */
    online(summary, token) {
      mood("");
      fillBadge(state, LEVELS[summary.status] ?? "off", t(`state.${summary.status}`));
      show(forget, token);
      const { name = "", role = "admin" } = summary.operator ?? {};
      document.body.dataset.role = role;
      say(who, t("role.shown", { name, role: t(`role.${role}`) }));
      notice.online();
    },
    /** @param {string} text */
    offline(text) {
      mood("stale");
      fillBadge(state, "bad", t("state.offline"));
      notice.offline(text);
    },
    locked() {
      mood("locked");
      fillBadge(state, "off", t("state.locked"));
      show(forget, false);
      notice.silent();
    },
    count: notice.count,
    tell: notice.tell,
  };
}

/**
 * The attributes of what only a role, or a greater one, may use; the style sheet hides it from others.
 * @param {string | undefined} role
 */
export function needs(role) {
  return role ? { "data-needs": role } : {};
}

/**
 * Marks the page as locked, or as showing what is not from now.
 * @param {string} name
 */
function mood(name) {
  for (const each of ["locked", "stale"]) document.body.classList.toggle(each, each === name);
}

function search() {
  const id = uniqueId("search");
  const attributes = { id, type: "search", placeholder: t("search.hint"), autocomplete: "off", spellcheck: "false" };
  const input = el("input", attributes);
  const label = el("label", { for: id, class: "unseen" }, t("search.label"));
  const node = el(
    "form",
    { role: "search" },
    label,
    input,
    el("button", { type: "submit", class: "button" }, t("search.go")),
  );
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `#/search/${encodeURIComponent(input.value.trim())}`;
  });
  return { element: node, set: /** @param {string} text */ (text) => (input.value = safely(text)) };
}

/** @param {string} text */
function safely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function theme() {
  const id = uniqueId("theme");
  const options = ["auto", "light", "dark"].map((each) => el("option", { value: each }, t(`theme.${each}`)));
  const select = el("select", { id }, options);
  /** @param {string} value */
  const use = (value) => {
    if (value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    document.dispatchEvent(new Event("themechange"));
  };
  select.addEventListener("change", () => {
    localStorage.setItem(THEME, select.value);
    use(select.value);
  });
  const kept = localStorage.getItem(THEME) ?? "";
  select.value = ["light", "dark"].includes(kept) ? kept : "auto";
  use(select.value);
  return field(t("theme.label"), select);
}

/** @param {(name: string) => void} changed */
function languages(changed) {
  const options = Object.entries(LANGUAGES).map(([value, name]) => el("option", { value, lang: value }, name));
  const select = el("select", { id: "language" }, options);
  select.value = language();
  select.addEventListener("change", () => changed(select.value));
  return field(t("page.language"), select);
}

/**
 * Times of the console and of ladder.txt, which is in UTC, have to be laid beside each other.
 * @param {() => void} changed
 */
function zone(changed) {
  const id = uniqueId("zone");
  const words = { local: t("zone.local", { zone: localZone() }), utc: t("zone.utc") };
  const options = Object.entries(words).map(([value, text]) => el("option", { value }, text));
  const select = el("select", { id }, options);
  select.value = isUTC() ? "utc" : "local";
  select.addEventListener("change", () => {
    useUTC(select.value === "utc");
    changed();
  });
  return el("span", { class: "zone" }, el("label", { for: id, class: "unseen" }, t("zone.label")), select);
}

function navigation() {
  const links = VIEWS.map((name) => {
    const href = name === "overview" ? "#/" : `#/${name}`;
    return /** @type {const} */ ([name, el("a", { href, ...needs(NEEDS[name]) }, t(`view.${name}`))]);
  });
  $("nav").replaceChildren(...links.map(([, link]) => link));
  return links;
}

/**
 * What is said: a banner while the gateway cannot be reached, and a word on what was done, for a while.
 * @param {() => void} onretry
 */
function notices(onretry) {
  const problem = el("strong", {});
  const said = el("p", { class: "said card", hidden: true });
  // the seconds are not in the live region: a screen reader would speak each
  const seconds = el("span", {});
  const again = el("button", { type: "button", class: "button small", onclick: onretry }, t("offline.now"));
  const banner = el("div", { class: "banner", hidden: true }, seconds, again);
  const region = $("notice");
  region.replaceChildren(problem, said);
  region.parentElement?.querySelector(".banner")?.remove();
  region.after(banner);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {string} text */
  function tell(text) {
    clearTimeout(timer);
    say(said, text);
    show(said, text);
    if (text) timer = setTimeout(() => tell(""), SAID);
  }
  /** @param {string} text */
  function offline(text) {
    say(problem, text);
    show(banner, true);
  }
  function silent() {
    say(problem, "");
    say(seconds, "");
    show(banner, false);
  }
  function online() {
    if (!banner.hidden) tell(t("online.back"));
    silent();
  }
  /** @param {string} text */
  const count = (text) => say(seconds, text);
  return { tell, offline, online, silent, count };
}

// What stands in index.html.
function relabel() {
  document.documentElement.lang = language();
  say(/** @type {Element} */ (document.querySelector("h1")), t("title"));
  put($("nav"), "aria-label", t("page.views"));
  put(/** @type {Element} */ ($("notice").parentElement), "aria-label", t("page.notices"));
  const skip = $("skip");
  say(skip, t("page.skip"));
  skip.onclick = (event) => {
    event.preventDefault();
    $("main").focus();
  };
}
