// Type-checks the library's source: in a copy without the declarations beside it, which an import would take instead.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const BROWSER = join(PROJECT, "src/wrtcgw/browser");
const OPTIONS = {
  allowJs: true, checkJs: true, noEmit: true, strict: false, noImplicitThis: true, strictBindCallApply: true,
  strictFunctionTypes: true, noImplicitReturns: true, noFallthroughCasesInSwitch: true, noUnusedLocals: true,
  target: "es2023", module: "esnext", moduleResolution: "bundler", lib: ["es2024", "dom", "dom.iterable"], types: [],
};

const folder = mkdtempSync(join(tmpdir(), "wrtcgw-types-"));
try {
  const beside = (path) => path.endsWith(".d.ts");
  cpSync(join(BROWSER, "grtc"), join(folder, "grtc"), { recursive: true, filter: (path) => !beside(path) });
  const config = { compilerOptions: OPTIONS, include: ["grtc"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(dirname(createRequire(join(PROJECT, "package.json")).resolve("typescript/package.json")), "bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "--project", folder, "--pretty", "false"], { cwd: folder, stdio: "inherit" });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
