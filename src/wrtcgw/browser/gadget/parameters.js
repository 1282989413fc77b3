// What the address of the gadget says. Workspace Web Edition fills placeholders such as $Agent.DN$ in before it opens
// the address; one that it does not know is left as it is, and must not be taken for a number.

const PLACEHOLDER = /\$[A-Za-z][\w.]*\$/;
const SECRETS = ["password", "token"];
const NAMES = /** @type {const} */ (["dn", "id", "name", "number", "lang", "theme"]);

/**
 * Returns what was told by the address; "" for what was not.
 * @param {string} search as in location.search
 * @returns {{dn: string, id: string, name: string, number: string, lang: string, theme: string,
 *   unfilled: {name: string, value: string}[], secrets: string[]}} `unfilled` are the placeholders that nobody filled
 *   in, `secrets` the names of what may not stand in an address and was not read
 */
export function readParameters(search) {
  const given = new URLSearchParams(search);
  const found = {
    dn: "",
    id: "",
    name: "",
    number: "",
    lang: "",
    theme: "",
    unfilled: /** @type {{name: string, value: string}[]} */ ([]),
    secrets: SECRETS.filter((name) => given.has(name)),
  };
  for (const name of NAMES) {
    const value = (given.get(name) ?? "").trim();
    const filled = !PLACEHOLDER.test(value);
    found[name] = filled ? value : "";
    if (!filled) found.unfilled.push({ name, value });
  }
  return found;
}

/**
 * Returns an address without what may not stand in it.
 * @param {string} href
 */
export function withoutSecrets(href) {
  const url = new URL(href);
  for (const name of SECRETS) url.searchParams.delete(name);
  return url.href;
}
