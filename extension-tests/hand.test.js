// What the hand does at the overlay besides marking a captcha, and where the focus is after.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { browser, clearClipboard, clipboard, readByHand, setUp, site } from "./setting.js";
import { captchaBox } from "./site.js";

setUp();

let page;
afterEach(() => page?.close());

const begin = async () => {
  page = await browser.open(`${site.url}/image/17JU`);
  await clearClipboard(page);
};

describe("the hand", () => {
  test("leaves with Esc: nothing is captured, copied or sent, and the focus goes back", async () => {
    await begin();
    await page.focus("#code");
    await browser.clickIcon(page);
    await browser.until(page, ({ overlay }) => overlay, "the overlay");
    await page.keyboard.press("Escape");
    await browser.until(page, ({ overlay, toast }) => !overlay && !toast, "nothing");
    assert.equal(await clipboard(page), "nothing yet");
    assert.equal(await page.evaluate(() => document.activeElement.id), "code");
    assert.equal(await page.evaluate(() => document.querySelector("byecaptcha-overlay")), null);
  });

  test("leaves with Esc: the focus goes back to a password's field, not to the one before", async () => {
    await begin();
    const leave = async () => {
      await browser.clickIcon(page);
      await browser.until(page, ({ overlay }) => overlay, "the overlay");
      await page.keyboard.press("Escape");
      await browser.until(page, ({ overlay }) => !overlay, "no overlay");
      return page.evaluate(() => document.activeElement.id);
    };
    await page.focus("#code");
    assert.equal(await leave(), "code");
    await page.evaluate(() => document.getElementById("name").setAttribute("type", "password"));
    await page.focus("#name");
    assert.equal(await leave(), "name");
    await page.evaluate(() => document.activeElement.blur());
    assert.equal(await leave(), "", "nothing had it");
  });

  test("presses the overlay's keys, and no script does", async () => {
    await begin();
    await browser.clickIcon(page);
    await browser.until(page, ({ overlay }) => overlay, "the overlay");
    await page.evaluate(() => window.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" })));
    assert.ok((await browser.shown(page)).overlay);
    await page.keyboard.press("Escape");
    await browser.until(page, ({ overlay }) => !overlay, "no overlay");
  });

  test("leaves with a second click on the icon", async () => {
    await begin();
    await browser.clickIcon(page);
    await browser.until(page, ({ overlay }) => overlay, "the overlay");
    await browser.clickIcon(page);
    await browser.until(page, ({ overlay }) => !overlay, "no overlay");
  });

  test("draws a tiny rectangle, is told so, and draws a larger one", async () => {
    await begin();
    await browser.clickIcon(page);
    await browser.until(page, ({ overlay }) => overlay, "the overlay");
    const box = await captchaBox(page);
    await browser.drag(page, { ...box, width: 6, height: 6 });
    const { hint } = await browser.until(page, ({ hint }) => /too small/.test(hint), "that it is too small");
    assert.match(hint, /whole picture/);
    await browser.drag(page, box);
    assert.equal((await browser.until(page, ({ text }) => text, "a text")).text, "17JU");
  });

  test("drags over a part of the page without a captcha", async () => {
    page = await browser.open(`${site.url}/plain`);
    await clearClipboard(page);
    const { trouble } = await readByHand(page, { x: 400, y: 300, width: 200, height: 80 });
    assert.match(trouble, /nothing readable/);
    assert.equal(await clipboard(page), "nothing yet");
  });
});
