// Which calls are shown, in what order: as the address of the view has it, and as the gateway is asked.

/**
 * @typedef {object} Filter what is empty does not count
 * @property {string} state "all", "active", "ended"
 * @property {string} last seconds until now
 * @property {string} from date and time in UTC, in place of `last`
 * @property {string} to likewise
 * @property {string} failed "true" for failed calls only
 * @property {string} cause
 * @property {string} code
 * @property {string} agent
 * @property {string} quality
 * @property {string} order
 */

/** @type {Filter} */
const NONE = {
  state: "all",
  last: "",
  from: "",
  to: "",
  failed: "",
  cause: "",
  code: "",
  agent: "",
  quality: "",
  order: "",
};
const NAMES = /** @type {(keyof Filter)[]} */ (Object.keys(NONE));
const STATES = ["all", "active", "ended"];
const ASKED = /** @type {const} */ (["failed", "cause", "code", "agent", "quality", "order"]);

/**
 * Reads the filter of an address, as `#/calls?cause=busy&last=900`.
 * @param {string} query
 * @returns {Filter}
 */
export function filterOf(query) {
  const given = new URLSearchParams(query);
  const all = NAMES.map((name) => [name, (given.get(name) ?? "").trim().slice(0, 200) || NONE[name]]);
  const filter = /** @type {Filter} */ (Object.fromEntries(all));
  return { ...filter, state: STATES.includes(filter.state) ? filter.state : NONE.state };
}

/**
 * Returns the address of the calls of a filter.
 * @param {Partial<Filter>} filter
 */
export function addressOf(filter) {
  const told = NAMES.filter((name) => filter[name] && filter[name] !== NONE[name]);
  const query = new URLSearchParams(told.map((name) => [name, String(filter[name])]));
  return told.length ? `#/calls?${query}` : "#/calls";
}

/**
 * Tells whether anything but the state is filtered by.
 * @param {Filter} filter
 */
export function isFiltered(filter) {
  return NAMES.some((name) => !["state", "order"].includes(name) && filter[name] !== NONE[name]);
}

/**
 * Returns what the gateway is asked.
 * @param {Filter} filter
 * @param {number} now its time, in ms
 * @returns {Record<string, string | number>}
 */
export function queryOf(filter, now) {
  const [from, to] = [Date.parse(filter.from), Date.parse(filter.to)];
  const seconds = Number(filter.last);
  const since = seconds > 0 ? Math.round(now - 1000 * seconds) : from;
  return {
    state: filter.state,
    ...Object.fromEntries(ASKED.filter((name) => filter[name]).map((name) => [name, filter[name]])),
    ...(since > 0 && { since }),
    ...(!(seconds > 0) && to > 0 && { until: to }),
  };
}

/**
 * Returns a time of the address as a field of a form has it: in the zone that times are told in.
 * @param {string} time
 * @param {boolean} utc
 */
export function fieldOf(time, utc) {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return "";
  const shift = utc ? 0 : new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - shift).toISOString().slice(0, 16);
}

/**
 * Returns what stands in such a field as a time of the address.
 * @param {string} field
 * @param {boolean} utc
 */
export function timeOf(field, utc) {
  const at = Date.parse(utc ? `${field}Z` : field);
  return Number.isNaN(at) ? "" : new Date(at).toISOString().replace(":00.000Z", "Z");
}
