// What axe-core finds wrong with a page for people who see, hear or move differently.

import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The serious and the critical findings, each with the elements that it is about. */
export async function seriousFindings(page) {
  // By the driver, not by a script element: the pages' own policies forbid that.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => (await window.axe.run()).violations);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => ({ id, elements: nodes.map(({ html }) => html) }));
}
