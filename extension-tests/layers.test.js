// In pages that put themselves on top, or that act on whatever is done beside them.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { assertReads, browser, clipboard, readByHand, setUp, site } from "./setting.js";
import { captchaBox } from "./site.js";

setUp();

let page;
afterEach(() => page?.close());

const open = async (path) => (page = await browser.open(site.url + path));
const overlay = async () => {
  await browser.clickIcon(page);
  return browser.until(page, ({ overlay, onTop }) => overlay && onTop, "the overlay on top");
};
const goFull = async () => {
  await page.bringToFront();
  await page.click("#go");
  await page.waitForFunction(() => document.fullscreenElement);
};

describe("a full screen", () => {
  test("that is there before", async () => {
    await open("/full/17JU");
    await goFull();
    await assertReads(page, "17JU", await captchaBox(page));
    assert.ok((await browser.shown(page)).onTop);
    assert.ok(await page.evaluate(() => document.fullscreenElement), "it stays");
  });

  test("that nothing can be put into is left", async () => {
    await open("/fullPicture/17JU");
    await goFull();
    await overlay();
    assert.ok(await page.evaluate(() => document.fullscreenElement === null));
    await browser.drag(page, await captchaBox(page));
    await browser.until(page, ({ text, onTop }) => text === "17JU" && onTop, "the text");
  });

  test("that comes under the overlay, and goes, and comes under the toast", async () => {
    await open("/full/17JU");
    await overlay();
    await page.evaluate(() => document.getElementById("go").click());
    await page.waitForFunction(() => document.fullscreenElement);
    await browser.until(page, ({ overlay, onTop }) => overlay && onTop, "the overlay on top");
    await page.evaluate(() => document.exitFullscreen());
    await browser.until(page, ({ overlay, onTop }) => overlay && onTop, "the overlay on top");
    await browser.drag(page, await captchaBox(page));
    await browser.until(page, ({ text, onTop }) => text === "17JU" && onTop, "the text");
    await goFull();
    await browser.until(page, ({ text, onTop }) => text === "17JU" && onTop, "the toast on top");
  });
});

describe("a dialog", () => {
  for (const kind of ["shadow", "closed"]) {
    test(`in a shadow root: ${kind}`, async () => {
      await open(`/${kind}/Arsy`);
      const box = await page.evaluate(async () => {
        const captcha = window.inside.getElementById("captcha");
        await captcha.decode();
        const { x, y, width, height } = captcha.getBoundingClientRect();
        return { x: x - 4, y: y - 4, width: width + 8, height: height + 8 };
      });
      await page.evaluate(() => {
        window.heard = [];
        const hear = ({ type, target }) => target.localName === "byecaptcha-overlay" && window.heard.push(type);
        for (const kind of ["pointerdown", "mousedown", "focusin"]) window.inside.addEventListener(kind, hear);
      });
      await page.evaluate(() => window.inside.getElementById("code").focus());
      await assertReads(page, "Arsy", box);
      await browser.press(page, "Fill in");
      await browser.until(page, ({ state }) => state === "Filled in", "that it is filled in");
      assert.equal(await page.evaluate(() => window.inside.getElementById("code").value), "Arsy");
      assert.deepEqual(await page.evaluate(() => window.heard), []);
    });
  }

  test("that opens over the toast, and is taken away with all that is in it", async () => {
    await open("/image/Arsy");
    await readByHand(page);
    await page.evaluate(() => {
      const dialog = document.createElement("dialog");
      dialog.textContent = "More";
      document.body.append(dialog);
      dialog.showModal();
    });
    await browser.until(page, ({ text, onTop }) => text === "Arsy" && onTop, "the toast on top");
    await browser.press(page, "Copy");
    await browser.until(page, ({ state }) => state === "Copied", "that it is copied");
    assert.ok(await page.evaluate(() => document.querySelector("dialog byecaptcha-overlay") !== null));
    await page.evaluate(() => document.querySelector("dialog").remove());
    await browser.until(page, ({ text, onTop }) => text === "Arsy" && onTop, "the toast still");
  });

  test("that is closed under the overlay: it goes on", async () => {
    await open("/dialog/Arsy");
    await overlay();
    await page.evaluate(() => document.getElementById("dialog").close());
    await browser.until(page, ({ overlay, onTop }) => overlay && onTop, "the overlay still");
    await page.keyboard.press("Escape");
    await browser.until(page, ({ overlay }) => !overlay, "no overlay");
  });

  test("that goes by what is done beside it stays, and hears of nothing", async () => {
    await open("/jealous/17JU");
    await page.focus("#code");
    await assertReads(page, "17JU", await captchaBox(page));
    await browser.press(page, "Copy");
    await browser.press(page, "Correct it");
    await browser.until(page, ({ buttons }) => buttons.some(({ words }) => words === "Send"), "the field");
    await page.keyboard.type("l7JU");
    await page.keyboard.press("Enter");
    await browser.until(page, ({ text }) => text === "l7JU", "the right text");
    await browser.press(page, "Fill in");
    await browser.until(page, ({ state }) => state === "Filled in", "that it is filled in");
    assert.equal(await page.inputValue("#code"), "l7JU");
    assert.deepEqual(await page.evaluate(() => window.heard), []);
    assert.ok(await page.evaluate(() => document.getElementById("menu").matches(":popover-open")));
    // What is done in the page is the page's.
    await page.mouse.click(5, 700);
    assert.ok((await page.evaluate(() => window.heard)).includes("pointerdown"));
  });
});

test("a page's script presses no button of the extension", async () => {
  await open("/image/17JU");
  const { buttons } = await readByHand(page);
  const { x, y, width, height } = buttons.find(({ words }) => words === "×");
  await page.evaluate(([clientX, clientY]) => {
    const host = document.querySelector("byecaptcha-overlay");
    for (const kind of ["mousedown", "click"]) host.dispatchEvent(new MouseEvent(kind, { clientX, clientY, detail: 1, bubbles: true, composed: true }));
  }, [x + width / 2, y + height / 2]);
  assert.ok((await browser.shown(page)).toast);
  assert.equal(await clipboard(page), "17JU");
});

test("the buttons are pressed by keys, too", async () => {
  await open("/image/17JU");
  await page.focus("#code");
  await readByHand(page);
  await browser.press(page, "Correct it");
  await browser.until(page, ({ buttons }) => buttons.some(({ words }) => words === "Cancel"), "the field");
  // From the field over "Send" to "Cancel".
  for (const key of ["Tab", "Tab", "Enter"]) await page.keyboard.press(key);
  await browser.until(page, ({ buttons }) => buttons.some(({ words }) => words === "Correct it"), "the buttons again");
  // The focus is in the toast still, and back where it was once that is gone.
  await page.keyboard.press("Escape");
  await browser.until(page, ({ toast }) => !toast, "no toast");
  assert.equal(await page.evaluate(() => document.activeElement.id), "code");
});
