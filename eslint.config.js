// Rules for the scripts of the browser side and for their tests.

import js from "@eslint/js";
import globals from "globals";

const RULES = {
  "no-unused-vars": ["error", { caughtErrors: "none", varsIgnorePattern: "^_" }],
  "prefer-const": "error",
  "no-var": "error",
  eqeqeq: "error",
  "no-implicit-coercion": ["error", { boolean: true, number: false, string: false }],
  "no-throw-literal": "error",
  "no-shadow": "error",
  "object-shorthand": "error",
  "max-len": ["error", { code: 120, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true }],
};

export default [
  { ignores: ["**/vendor/", "tests/interop/data/", ".venv/", ".tox/", "docs/_build/", "node_modules/"] },
  js.configs.recommended,
  { files: ["src/**/*.js"], languageOptions: { globals: globals.browser }, rules: RULES },
  { files: ["src/wrtcgw/browser/grtc/noiseWorklet.js"], languageOptions: { globals: globals.audioWorklet } },
  { files: ["src/wrtcgw/browser/extension/**/*.js"], languageOptions: { globals: globals.webextensions } },
  { files: ["bench/**/*.js"], languageOptions: { globals: globals.node, sourceType: "commonjs" } },
  {
    files: ["tests/**/*.mjs", "docs/*.mjs", "eslint.config.js"],
    languageOptions: { globals: globals.node },
    rules: { ...RULES, "max-len": "off", "no-shadow": "off" },
  },
];
