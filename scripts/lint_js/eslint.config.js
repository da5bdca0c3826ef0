// What ESLint holds the project's JavaScript to: its recommended rules, with the names that each place has.

import js from "@eslint/js";
import globals from "globals";

const { browser, node, webextensions } = globals;
// Put into pages one after the other, as scripts; they share one name.
const PAGE_SCRIPTS = ["geometry", "look", "mount", "field", "candidates", "overlay", "toast", "page"];

export default [
  { ignores: ["**/node_modules/**", "**/.venv/**", "**/target/**"] },
  js.configs.recommended,
  { rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" } },
  { files: ["api/page/**"], languageOptions: { globals: browser } },
  { files: ["api/page/colours.js"], languageOptions: { sourceType: "script" } },
  {
    files: ["extension/**"],
    languageOptions: { globals: { ...browser, ...webextensions, byecaptcha: "writable" } },
  },
  {
    files: PAGE_SCRIPTS.map((name) => `extension/${name}.js`).concat("extension/offscreen.js"),
    languageOptions: { sourceType: "script" },
  },
  {
    // Functions in them run in pages and service workers.
    files: ["api/browser-tests/**", "extension-tests/**", "scripts/**"],
    languageOptions: { globals: { ...node, ...browser, ...webextensions, byecaptcha: "readonly" } },
  },
];
