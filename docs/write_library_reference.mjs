// Writes docs/library-reference.md from the library's types and its sources, read by TypeScript:
//
//   node docs/write_library_reference.mjs            writes it
//   node docs/write_library_reference.mjs --check    fails when it is another one
//
// Signatures are those of grtc.d.ts and grtc/element.d.ts. What they say nothing about is told in the words of the
// JSDoc in the module. TypeScript is the one of `npm ci`, or that below the folder WRTCGW_NODE_MODULES.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));
const BROWSER = join(PROJECT, "src/wrtcgw/browser");
const TYPES = join(BROWSER, "grtc.d.ts");
const ELEMENT = join(BROWSER, "grtc/element.d.ts");
const TARGET = join(PROJECT, "docs/library-reference.md");
const SOURCES = { Phone: "phone", Call: "call", PhoneError: "errors", Emitter: "emitter", PhoneElement: "element" };

// what is told, in this order: a class with its options and events, or values that they give and take
const CLASSES = [
  { name: "Phone", events: "PhoneEvents", with: ["PhoneOptions", "CallOptions", "Agent", "Bearer", "Guest"] },
  { name: "Call", events: "CallEvents", with: ["CallState", "Ending", "EndingCause", "DigitOptions"] },
  { name: "PhoneError", with: ["ErrorCode", "LibraryCode", "GatewayCode", "Action"] },
  { name: "Emitter" },
  { name: "PhoneElement", title: "<wrtc-phone>", events: "PhoneElementEvents", with: ["Credentials"] },
];
const VALUES = ["Registration", "Quality", "Warning", "TransferProgress", "Diversion", "Attached", "Device", "Finding"];
const FUNCTIONS = ["lint", "opinion"];

const HEAD = `# Library reference

Made from the types and sources of the library by \`node docs/write_library_reference.mjs\`: what there is, in their words.
[Browser library](browser-library.md) explains it, [Example pages](browser-examples.md) show it at work. The vendor's shape
(\`Grtc.Client\`, \`Grtc.MediaSession\`) is in \`/grtc.d.ts\`.
`;

const require = createRequire(join(process.env.WRTCGW_NODE_MODULES ?? PROJECT, "package.json"));
const { API } = await import(pathToFileURL(require.resolve("typescript/unstable/sync")).href);
const { SyntaxKind } = await import(pathToFileURL(require.resolve("typescript/unstable/ast")).href);

/** Returns the statements of these files by name. */
function read(paths) {
  const folder = mkdtempSync(join(tmpdir(), "wrtcgw-reference-"));
  const config = join(folder, "tsconfig.json");
  const options = { allowJs: true, noEmit: true, target: "es2023", module: "esnext", types: [], noResolve: true };
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files: paths }));
  const api = new API({ cwd: folder });
  try {
    const [{ program }] = api.updateSnapshot({ openProjects: [config] }).getProjects();
    return paths.map((path) => {
      const file = program.getSourceFile(path);
      return Object.fromEntries(
        [...file.statements].filter((each) => each.name).map((each) => [each.name.text, told(each, file)]),
      );
    });
  } finally {
    api.close();
    rmSync(folder, { recursive: true });
  }
}

/** Returns a declaration as `{name, kind, text, comment, members}`. */
function told(node, file) {
  return {
    name: node.name?.text ?? "",
    kind: SyntaxKind[node.kind],
    text: oneLine(node.getText(file)),
    comment: commentOf(node, file),
    isPrivate: (node.modifiers ?? []).some(({ kind }) => kind === SyntaxKind.PrivateKeyword),
    members: [...(node.members ?? [])].map((each) => told(each, file)),
  };
}

function oneLine(text) {
  return text.replace(/\s+/g, " ").replace(/;$/, "").trim();
}

/** Returns what the last comment before a declaration says, without its tags; TypeScript also finds `//` there. */
function commentOf(node, file) {
  const text = node.jsDoc?.at(-1)?.getText(file) ?? "";
  if (!text.startsWith("/**")) return "";
  const lines = text.slice(3, -2).split("\n");
  const words = lines.map((line) => line.replace(/^\s*\* ?/, "").trim());
  const tags = words.findIndex((line) => line.startsWith("@"));
  return (tags < 0 ? words : words.slice(0, tags)).filter(Boolean).join(" ");
}

function item(text, comment) {
  return `- \`${text}\`${comment ? `: ${comment}` : ""}`;
}

/** Returns a heading and what is listed below it; nothing for an empty list. */
function list(heading, items) {
  return items.length ? [`${heading}\n\n${items.join("\n")}`] : [];
}

/** Returns a value's declaration: its fields, or the words that it may be. */
function value(name, types, level = "####") {
  const found = types[name];
  if (!found) throw new Error(`there is no ${name} in the types`);
  const comment = found.comment ? `\n\n${found.comment}` : "";
  if (found.kind !== "TypeAliasDeclaration") {
    const fields = found.members.map((each) => item(shownType(each.text), each.comment));
    return `${level} ${name}${comment}\n\n${fields.join("\n")}`;
  }
  const words = found.text.replace(/^export type \w+ = \|? ?/, "");
  return `${level} ${name}${comment}\n\n\`${words}\``;
}

/** Returns a field without what only exactOptionalPropertyTypes needs. */
function shownType(text) {
  return text.replace(/\?: (.*) \| undefined$/, "?: $1");
}

function event({ name, text, comment }) {
  const given = text
    .replace(/^\w+: /, "")
    .replace(/^\[|\]$/g, "")
    .replace(/ \| undefined/g, "");
  return `- \`${name}\`${given ? ` (\`${given}\`)` : ""}${comment ? `: ${comment}` : ""}`;
}

function classOf({ name, title = name, events, with: values = [] }, types, source) {
  const { comment, members } = types[name];
  const words = Object.fromEntries((source[name]?.members ?? []).map((each) => [each.name, each.comment]));
  const open = members.filter((each) => !each.isPrivate && each.name !== "addEventListener");
  const line = (each) => item(each.text, each.comment || words[each.name]);
  const method = (each) => item(each.text, words[each.name] || each.comment); // the source says more of what is done
  const of = (...kinds) => open.filter(({ kind }) => kinds.includes(kind));
  const made = of("Constructor").map(({ text }) => item(text.replace(/^constructor/, `new ${name}`), ""));
  return [
    `## ${title}${comment ? `\n\n${comment}` : ""}`,
    ...(made.length ? [made.join("\n")] : []),
    ...list("### Properties", of("PropertyDeclaration", "GetAccessor", "SetAccessor").map(line)),
    ...list("### Methods", of("MethodDeclaration").map(method)),
    ...list("### Events", (types[events]?.members ?? []).map(event)),
    ...values.map((each) => value(each, types)),
  ];
}

const paths = [TYPES, ELEMENT, ...Object.values(SOURCES).map((name) => join(BROWSER, `grtc/${name}.js`))];
const [library, element, ...modules] = read(paths);
const types = { ...library, ...element };
const source = Object.assign({}, ...modules);
const functions = FUNCTIONS.map((name) => item(types[name].text.replace(/^export function /, ""), types[name].comment));
const parts = [
  HEAD.trimEnd(),
  ...CLASSES.flatMap((each) => classOf(each, types, source)),
  ...list("## Functions", functions),
  "## Values",
  ...VALUES.map((name) => value(name, types, "###")),
];
const made = `${parts
  .join("\n\n")
  .replace(/<wrtc-phone>/g, "`<wrtc-phone>`")
  .replace(/``+<wrtc-phone>``+/g, "`<wrtc-phone>`")}\n`;

if (process.argv.includes("--check")) {
  if (readFileSync(TARGET, "utf8") !== made) {
    console.error("docs/library-reference.md is not what the sources say: node docs/write_library_reference.mjs");
    process.exitCode = 1;
  }
} else {
  writeFileSync(TARGET, made);
}
