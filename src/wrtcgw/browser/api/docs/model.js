// What the page shows of an OpenAPI document: plain values, without any element.

/**
 * @typedef {{[name: string]: any}} Part Any object of the document.
 * @typedef {{name: string, type: string, required: boolean, where: string, text: string}} Field
 * @typedef {{id: string, tag: string, method: string, path: string, summary: string, text: string, who: string,
 *   fields: Field[], bodies: {kind: string, fields: Field[], example: string}[],
 *   answers: {status: string, text: string, kinds: string[], schema: string}[], errors: {code: string, body: string}[],
 *   curl: string}} Operation
 */

const METHODS = ["get", "put", "post", "patch", "delete"];

/**
 * Returns all operations of a document, in its order.
 * @param {Part} spec
 * @param {string} base The address of the gateway, with a slash at its end.
 * @returns {Operation[]}
 */
export function operationsOf(spec, base) {
  return Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => operation(spec, base, path, method, item[method])),
  );
}

/**
 * @param {Part} spec
 * @param {string} base
 * @param {string} path
 * @param {string} method
 * @param {Part} given
 * @returns {Operation}
 */
function operation(spec, base, path, method, given) {
  const parameters = given.parameters ?? [];
  const bodies = Object.entries(given.requestBody?.content ?? {}).map(([kind, { schema, example }]) => ({
    kind,
    fields: fieldsOf(spec, schema),
    example: example === undefined ? "" : written(example),
  }));
  const answers = Object.entries(given.responses).map(([status, { description, content }]) => ({
    status,
    text: description,
    kinds: Object.keys(content ?? {}),
    schema: Object.values(content ?? {})
      .map(({ schema }) => typeOf(schema))
      .filter((name) => name !== "string" && name !== "Error")
      .join(", "),
  }));
  return {
    id: given.operationId,
    tag: given.tags[0],
    method: method.toUpperCase(),
    path,
    summary: given.summary,
    text: given.description ?? "",
    who: Object.keys(given.security?.[0] ?? {})[0] ?? "",
    fields: parameters.map(field),
    bodies,
    answers: answers.filter(({ status, schema }) => status < "400" || schema),
    errors: errorsOf(spec, given.responses),
    curl: curl(base, path, method, parameters, given),
  };
}

/**
 * @param {Part} parameter
 * @returns {Field}
 */
function field({ name, in: where, required, description, schema }) {
  return { name, type: typeOf(schema), required: Boolean(required), where, text: description ?? "" };
}

/**
 * Returns the fields of a schema, those of what it refers to included.
 * @param {Part} spec
 * @param {Part} schema
 * @returns {Field[]}
 */
export function fieldsOf(spec, schema) {
  const { properties = {}, required = [] } = resolved(spec, schema);
  return Object.entries(properties).map(([name, given]) => ({
    name,
    type: typeOf(given),
    required: required.includes(name),
    where: "body",
    text: given.description ?? "",
  }));
}

/**
 * @param {Part} spec
 * @param {Part} given
 * @returns {Part}
 */
function resolved(spec, given) {
  const reference = /^#\/(.+)$/.exec(given.$ref ?? "");
  return reference ? reference[1].split("/").reduce((/** @type {Part} */ part, name) => part[name], spec) : given;
}

/**
 * Returns in a few words what a value is.
 * @param {Part} schema
 * @returns {string}
 */
export function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((/** @type {unknown} */ each) => JSON.stringify(each)).join(" | ");
  const any = schema.anyOf ?? schema.oneOf;
  if (any && !schema.properties) return any.map(typeOf).join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items ?? {})}[]`;
  return [schema.type ?? "any"].flat().join(" | ");
}

/**
 * @param {Part} spec
 * @param {Part} responses
 */
function errorsOf(spec, responses) {
  return Object.values(responses).flatMap(({ content }) =>
    Object.entries(content?.["application/json"]?.examples ?? {}).map(([code, example]) => ({
      code,
      body: written(resolved(spec, example).value),
    })),
  );
}

/**
 * Returns a command that tries an operation out.
 * @param {string} base
 * @param {string} path
 * @param {string} method
 * @param {Part[]} parameters
 * @param {Part} given
 */
function curl(base, path, method, parameters, given) {
  const query = parameters
    .filter(({ in: where, required, example }) => where === "query" && (required || example !== undefined))
    .map(({ name, example }) => `${name}=${encodeURIComponent(example ?? "…")}`)
    .join("&");
  const parts = [`curl -X ${method.toUpperCase()} "${base}${path.slice(1)}${query ? `?${query}` : ""}"`];
  if (given.security?.length) parts.push('-H "Authorization: Bearer $TOKEN"');
  const json = given.requestBody?.content?.["application/json"];
  if (json) parts.push('-H "Content-Type: application/json"', `-d '${JSON.stringify(json.example ?? {})}'`);
  return parts.join(" \\\n  ");
}

/** @param {unknown} value */
function written(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/**
 * Returns whether an operation has all the words that somebody looks for.
 * @param {Operation} one
 * @param {string} wanted
 */
export function fits(one, wanted) {
  const text = [one.path, one.method, one.summary, one.text, one.tag, ...one.errors.map(({ code }) => code)].join(" ");
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.toLowerCase().includes(word));
}
