// What is no page of HTML: what can be read in it, and what is said where nothing can.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { assertReads, browser, service, setUp, site } from "./setting.js";

setUp();

let page;
afterEach(async () => {
  await browser.settings({ server: service.url });
  await page?.close();
});

const noticeFor = async (path) => {
  page = await browser.open(site.url + path);
  await browser.clickIcon(page);
  const end = Date.now() + 10_000;
  let words;
  while (!words && Date.now() < end) {
    await new Promise((over) => setTimeout(over, 50));
    words = await browser.popup();
  }
  return words ?? "";
};

test("a picture by itself is read", async () => {
  page = await browser.open(`${site.url}/picture/Arsy.jpg`);
  const { x, y, width, height } = await page.locator("img").boundingBox();
  await assertReads(page, "Arsy", { x, y, width, height });
});

test("a page of XHTML is read", async () => {
  page = await browser.open(`${site.url}/xhtml`);
  const { x, y, width, height } = await page.locator("#captcha").boundingBox();
  await assertReads(page, "17JU", { x, y, width, height });
});

for (const path of ["/feed", "/text"]) {
  test(`${path} is shown in a page of the browser's, and has the overlay`, async () => {
    page = await browser.open(site.url + path);
    await browser.clickIcon(page);
    await browser.until(page, ({ overlay, onTop }) => overlay && onTop, "the overlay");
  });
}

describe("a drawing by itself", () => {
  test("is none, and that is said beside the icon", async () => {
    assert.match(await noticeFor("/drawing"), /^Nothing can be marked in this document, since it is no web page/);
  });

  test("in Chinese where that is chosen", async () => {
    await browser.settings({ server: service.url, language: "zh" });
    assert.match(await noticeFor("/drawing"), /^此文档不是网页/);
  });
});
