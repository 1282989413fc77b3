// Type-checks the browser side, `strict`: the folders of FOLDERS, or those that are named; and that what the library
// declares (grtc.d.ts) is what its source has.
//
// It is done in a copy without the declarations beside the library's modules, which an import would take instead.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDERS = ["grtc", "softphone", "gadget", "workspace", "ops", "extension"]; // of src/wrtcgw/browser
const OPTIONS = {
  allowJs: true,
  checkJs: true,
  noEmit: true,
  strict: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noUnusedLocals: true,
  target: "es2023",
  module: "esnext",
  moduleResolution: "bundler",
  lib: ["es2024", "dom", "dom.iterable"],
  types: [],
};

const folder = mkdtempSync(join(tmpdir(), "wrtcgw-types-"));
try {
  const beside = (path) => /\/grtc\/\w+\.d\.ts$/.test(path);
  const browser = join(PROJECT, "src/wrtcgw/browser");
  cpSync(browser, folder, { recursive: true, filter: (path) => !beside(path) });
  cpSync(join(PROJECT, "tests/browser/declarations.ts"), join(folder, "declarations.ts"));
  cpSync(join(browser, "grtc/element.d.ts"), join(folder, "declared/element.d.ts"));
  cpSync(join(PROJECT, "tests/browser/uplot.d.ts"), join(folder, "vendor/uplot/uPlot.esm.d.ts"));
  const scopes = ["chrome.d.ts", "worklet.d.ts"];
  for (const name of scopes) cpSync(join(PROJECT, "tests/browser", name), join(folder, name));
  const include = [...(process.argv.length > 2 ? process.argv.slice(2) : FOLDERS), "declarations.ts", ...scopes];
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: OPTIONS, include }));
  const tsc = join(dirname(createRequire(join(PROJECT, "package.json")).resolve("typescript/package.json")), "bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "--project", folder, "--pretty", "false"], {
    cwd: folder,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
