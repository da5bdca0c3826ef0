// Filling the text in, where the field is not as it was: the toast says so, and the text stays on the clipboard.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { assertReads, browser, clearClipboard, clipboard, readByHand, service, setUp, site } from "./setting.js";
import { captchaBox } from "./site.js";

setUp();

let page;
afterEach(async () => {
  await browser.settings({ server: service.url });
  await page?.close();
});

const GONE = "Not filled in: the field is gone or hidden · the text is on the clipboard";
const LOCKED = "Not filled in: the field takes no text now · the text is on the clipboard";
const REFUSED = "Not filled in: the field did not take all of the text · the text is on the clipboard";

const open = async (path) => {
  page = await browser.open(site.url + path);
  await captchaBox(page);
};
const fillIn = async (words) => {
  await browser.press(page, "Fill in");
  await browser.until(page, ({ state }) => state === words, words);
};

describe("a field that is not filled", () => {
  const changes = {
    "is taken out": [(field) => field.remove(), GONE],
    "is hidden": [(field) => (field.hidden = true), GONE],
    "may only be read": [(field) => (field.readOnly = true), LOCKED],
    "is disabled": [(field) => (field.disabled = true), LOCKED],
    "is disabled with its form": [(field) => {
      const set = Object.assign(document.createElement("fieldset"), { disabled: true });
      field.replaceWith(set);
      set.append(field);
    }, LOCKED],
    "is a password's now": [(field) => (field.type = "password"), LOCKED],
    "takes fewer characters": [(field) => (field.maxLength = 2), REFUSED],
    "takes only numbers": [(field) => (field.type = "number"), REFUSED],
  };

  for (const [name, [change, words]] of Object.entries(changes)) {
    test(name, async () => {
      await open("/image/Arsy");
      await page.fill("#name", "Robin");
      await page.focus("#code");
      await assertReads(page, "Arsy");
      await page.locator("#code").evaluate(change);
      await fillIn(words);
      assert.equal(await page.inputValue("#name"), "Robin", "nor is another one");
      assert.equal(await clipboard(page), "Arsy");
    });
  }

  test("was in a frame that has gone elsewhere", async () => {
    await open("/frame/Arsy");
    await page.frames()[1].focus("#code");
    await assertReads(page, "Arsy");
    await page.evaluate(() => new Promise((loaded) => {
      const frame = document.getElementById("frame");
      frame.addEventListener("load", loaded);
      frame.src = "/plain";
    }));
    await fillIn(GONE);
  });

  test("and the clipboard was to be left alone: nothing is said of it", async () => {
    await browser.settings({ server: service.url, clipboard: false });
    await open("/image/Arsy");
    await clearClipboard(page);
    await page.focus("#code");
    await readByHand(page);
    await page.locator("#code").evaluate((field) => field.remove());
    await fillIn("Not filled in: the field is gone or hidden");
    assert.equal(await clipboard(page), "nothing yet");
  });
});

test("a field that writes in capitals is filled", async () => {
  await open("/image/Arsy");
  await page.focus("#code");
  await page.locator("#code").evaluate((field) => field.addEventListener("input", () => (field.value = field.value.toUpperCase())));
  await assertReads(page, "Arsy");
  await fillIn("Filled in");
  assert.equal(await page.inputValue("#code"), "ARSY");
});

test("a part of the page that can be edited is filled", async () => {
  await open("/image/Arsy");
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("div"), { id: "notes", contentEditable: "true", textContent: "old" })));
  await page.focus("#notes");
  await assertReads(page, "Arsy");
  await fillIn("Filled in");
  assert.equal(await page.textContent("#notes"), "Arsy");
});
