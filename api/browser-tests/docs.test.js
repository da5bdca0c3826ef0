// The API's description as a page: whole, led through by its contents, and as wide as the window at most.

import assert from "node:assert/strict";
import { test } from "node:test";

import { open, page, service } from "./setting.js";

for (const width of [360, 1100]) {
  test(`the description fits a window of ${width} pixels and needs no script`, async () => {
    await open({ viewport: { width, height: 800 }, javaScriptEnabled: false }, `${service.url}/docs`);
    const document = await (await fetch(`${service.url}/openapi.json`)).json();
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    for (const { operationId, summary } of operations) {
      await page.locator(`nav a[href="#${operationId}"]`, { hasText: summary }).click();
      assert.equal(await page.locator(`#${operationId}`).textContent(), summary);
      assert.ok(page.url().endsWith(`#${operationId}`));
    }
    const { width: widest } = await page.locator("main").boundingBox();
    assert.ok(widest <= width, `${widest}`);
    for (const table of await page.locator("table").all()) {
      const box = await table.boundingBox();
      assert.ok(box.x + box.width <= width, await table.textContent());
    }
  });
}
