// What can be done with a text, and the ways to mark a captcha without a mouse.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { assertReads, browser, clearClipboard, clipboard, nothingKept, readByHand, service, setUp, site } from "./setting.js";
import { captchaBox } from "./site.js";

setUp();

let page;
afterEach(async () => {
  await browser.settings({ server: service.url });
  await page?.close();
});

const open = async (path) => {
  page = await browser.open(site.url + path);
  await clearClipboard(page);
};
const overlay = async () => {
  await browser.clickIcon(page);
  return browser.until(page, ({ overlay }) => overlay, "the overlay");
};
const settled = () => browser.until(page, ({ text, trouble }) => text || trouble, "an end");

describe("the toast", () => {
  test("copies again", async () => {
    await open("/image/17JU");
    await assertReads(page, "17JU");
    await clearClipboard(page);
    await browser.press(page, "Copy");
    await browser.until(page, ({ state }) => state === "Copied", "that it is copied");
    assert.equal(await clipboard(page), "17JU");
  });

  test("leaves the clipboard alone where that is set", async () => {
    await browser.settings({ server: service.url, clipboard: false });
    await open("/image/17JU");
    const { text, state } = await readByHand(page);
    assert.equal(text, "17JU");
    assert.match(state, /^\d+% sure$/);
    assert.equal(await clipboard(page), "nothing yet");
    await browser.press(page, "Copy");
    await browser.until(page, ({ state }) => state === "Copied", "that it is copied");
    assert.equal(await clipboard(page), "17JU");
  });

  test("reads the same area again, also after scrolling and after a reload", async () => {
    await open("/scrolled/17JU");
    await page.evaluate(() => document.getElementById("captcha").scrollIntoView({ block: "center" }));
    await assertReads(page, "17JU");
    await page.evaluate(async () => {
      const captcha = document.getElementById("captcha");
      captcha.src = "/picture/Arsy.jpg";
      await captcha.decode();
      scrollTo(0, 0);
    });
    await browser.press(page, "Same area");
    await browser.until(page, ({ text }) => text === "Arsy", "the next text");
    assert.equal(await clipboard(page), "Arsy");
    await page.reload();
    await page.evaluate(() => document.getElementById("captcha").scrollIntoView({ block: "center" }));
    const { frame } = await overlay();
    assert.ok(frame, "the last frame is shown");
    await page.keyboard.press("Enter");
    assert.equal((await settled()).text, "17JU");
  });

  test("fills the field that had the focus last, as typing would, and sends no form", async () => {
    await open("/image/17JU");
    await page.evaluate(() => {
      window.events = [];
      for (const kind of ["input", "change"]) {
        document.getElementById("code").addEventListener(kind, ({ type }) => window.events.push(type));
      }
    });
    await page.fill("#code", "old");
    await page.evaluate(() => (window.events.length = 0));
    await page.focus("#code");
    await assertReads(page, "17JU");
    assert.equal(await page.inputValue("#code"), "old", "not before it is asked to");
    await browser.press(page, "Fill in");
    await browser.until(page, ({ state }) => state === "Filled in", "that it is filled in");
    assert.equal(await page.inputValue("#code"), "17JU");
    assert.equal(await page.inputValue("#name"), "");
    const events = await page.evaluate(() => window.events);
    assert.ok(events.includes("input") && events.includes("change"), String(events));
    assert.equal(site.sent, 0);
    assert.equal(new URL(page.url()).pathname, "/image/17JU");
  });

  test("fills a field that gets the focus while it is shown, in a frame, too; never a password's", async () => {
    await open("/frame/17JU");
    const shown = await assertReads(page, "17JU");
    assert.ok(shown.buttons.find(({ words }) => words === "Fill in").disabled, "there is no field yet");
    const frame = page.frames()[1];
    await frame.evaluate(() => document.getElementById("name").setAttribute("type", "password"));
    await frame.focus("#name");
    assert.ok((await browser.shown(page)).buttons.find(({ words }) => words === "Fill in").disabled);
    await frame.focus("#code");
    await browser.press(page, "Fill in");
    await browser.until(page, ({ state }) => state === "Filled in", "that it is filled in");
    assert.equal(await frame.inputValue("#code"), "17JU");
    assert.equal(await frame.inputValue("#name"), "");
  });

  test("sends the right text as feedback, and copies it", async () => {
    await open("/image/17JU");
    await assertReads(page, "17JU");
    await browser.press(page, "Correct it");
    // The text is selected, so that typing replaces it.
    await browser.until(page, ({ buttons }) => buttons.some(({ words }) => words === "Send"), "the field");
    await page.keyboard.type("l7JU");
    await page.keyboard.press("Enter");
    await browser.until(page, ({ text }) => text === "l7JU", "the right text");
    const lines = (await (await fetch(`${service.url}/v1/feedback`)).text()).trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual([lines.at(-1).text, lines.at(-1).read], ["l7JU", "17JU"]);
    const end = Date.now() + 5000;
    while ((await clipboard(page)) !== "l7JU" && Date.now() < end) await new Promise((over) => setTimeout(over, 50));
    assert.equal(await clipboard(page), "l7JU");
  });

  test("thanks for a correction, and leaves the clipboard alone where that is set", async () => {
    for (const [copies, words] of [[true, "Sent. Thank you · Copied"], [false, "Sent. Thank you"]]) {
      await browser.settings({ server: service.url, clipboard: copies });
      await open("/image/17JU");
      await readByHand(page);
      await browser.press(page, "Correct it");
      await browser.until(page, ({ buttons }) => buttons.some(({ words }) => words === "Send"), "the field");
      await page.keyboard.type("l7JU");
      await page.keyboard.press("Enter");
      await browser.until(page, ({ state }) => state === words, words);
      await new Promise((over) => setTimeout(over, 300));
      assert.equal((await browser.shown(page)).state, words);
      assert.equal(await clipboard(page), copies ? "l7JU" : "nothing yet");
      await page.close();
    }
  });

  test("leaves with Esc, and the page's dialog stays; its text is in order in a page from the right", async () => {
    await open("/dialog/17JU");
    await page.evaluate(() => (document.documentElement.dir = "rtl"));
    await readByHand(page, await captchaBox(page));
    const host = await page.evaluate(() => {
      const host = document.querySelector("byecaptcha-overlay");
      return [getComputedStyle(host).direction, host.lang];
    });
    assert.deepEqual(host, ["ltr", "en"]);
    await browser.press(page, "Correct it");
    await browser.until(page, ({ buttons }) => buttons.some(({ words }) => words === "Send"), "the field");
    await page.keyboard.press("Escape");
    await browser.until(page, ({ toast }) => !toast, "nothing");
    assert.ok(await page.evaluate(() => document.getElementById("dialog").open));
  });

  test("is gone with its button, and nothing of the reading is left", async () => {
    await open("/image/17JU");
    await assertReads(page, "17JU");
    await browser.press(page, "×");
    await browser.until(page, ({ toast }) => !toast, "nothing");
    await nothingKept();
    const kept = await browser.inWorker(() => chrome.storage.local.get(null));
    assert.deepEqual(Object.keys(kept).sort(), ["area", "settings"]);
    assert.deepEqual(Object.keys(kept.area).sort(), ["height", "width", "x", "y"]);
  });

  test("has a text: the picture is kept no longer", async () => {
    await open("/image/17JU");
    await assertReads(page, "17JU");
    await nothingKept();
    assert.ok((await browser.shown(page)).toast);
  });

  test("is in Chinese where that is chosen", async () => {
    await browser.settings({ server: service.url, language: "zh" });
    await open("/image/17JU");
    const { state, buttons } = await readByHand(page);
    assert.match(state, /^已复制/);
    assert.ok(buttons.some(({ words }) => words === "填入"));
  });
});

describe("without dragging", () => {
  test("by the keyboard alone", async () => {
    await open("/image/17JU");
    await page.focus("#code");
    await browser.inWorker(() => chrome.storage.local.remove("area"));
    assert.equal((await overlay()).frame, null);
    const press = async (key, times) => {
      for (let time = 0; time < times; time += 1) await page.keyboard.press(key);
    };
    await press("ArrowLeft", 1);
    const box = await captchaBox(page);
    const first = await browser.shown(page);
    let { frame } = first;
    assert.equal(first.spoken, `Frame of 200 by 70 at ${frame.x}, ${frame.y}`);
    await press("ArrowLeft", Math.round((frame.x - box.x) / 10));
    await press("ArrowUp", Math.round((frame.y - box.y) / 10));
    await press("Shift+ArrowLeft", Math.round((frame.width - box.width) / 10));
    await press("Shift+ArrowUp", Math.round((frame.height - box.height) / 10));
    ({ frame } = await browser.shown(page));
    for (const side of ["x", "y", "width", "height"]) assert.ok(Math.abs(frame[side] - box[side]) <= 5, side);
    await press("Control+ArrowUp", 1);
    assert.equal((await browser.shown(page)).frame.y, frame.y - 1);
    await page.keyboard.press("Enter");
    assert.equal((await settled()).text, "17JU");
    assert.equal(await clipboard(page), "17JU");
    assert.equal(await page.evaluate(() => document.activeElement.id), "code", "to paste at once");
    assert.equal(site.sent, 0, "Enter was for the frame alone");
  });

  test("by a key that is held, of which nothing comes to the page", async () => {
    await open("/image/17JU");
    await assertReads(page, "17JU");
    await page.focus("#code");
    await page.evaluate(() => {
      window.heard = [];
      for (const kind of ["keydown", "keyup"]) window.addEventListener(kind, ({ key }) => window.heard.push(`${kind} ${key}`));
    });
    const focused = () => page.evaluate(() => document.activeElement.id);
    assert.ok((await overlay()).frame, "that of the last time");
    // What is pressed again while it is down is its repetition.
    for (let times = 0; times < 3; times += 1) await page.keyboard.down("Enter");
    assert.equal((await settled()).text, "17JU");
    await page.keyboard.down("Enter");
    assert.notEqual(await focused(), "code", "not before the key is up");
    await page.keyboard.up("Enter");
    assert.equal(await focused(), "code");
    assert.equal(site.sent, 0);
    await overlay();
    await page.keyboard.press("Escape");
    await browser.until(page, ({ overlay }) => !overlay, "no overlay");
    assert.deepEqual(await page.evaluate(() => window.heard), []);
    // The next key is the page's.
    assert.equal(await focused(), "code");
    await page.keyboard.press("Escape");
    assert.deepEqual(await page.evaluate(() => window.heard), ["keydown Escape", "keyup Escape"]);
  });

  test("by the area of the last time, however the page was scrolled under the overlay", async () => {
    await open("/scrolled/17JU");
    await page.evaluate(() => document.getElementById("captcha").scrollIntoView({ block: "center" }));
    await assertReads(page, "17JU");
    const scroll = (to) => page.evaluate((to) => scrollTo(0, to), to);
    const at = await page.evaluate(() => scrollY);
    const { y } = (await overlay()).frame;
    await scroll(at + 150);
    await browser.until(page, ({ frame }) => frame?.y === y - 150, "the frame where the captcha is now");
    await page.keyboard.press("Enter");
    assert.equal((await settled()).text, "17JU");
    for (const to of [at - 200, 0]) {
      await scroll(at);
      await overlay();
      await scroll(to);
      await browser.until(page, ({ frame }) => (to === 0 ? frame === null : frame?.y === y + 200), "the frame moved or gone");
      await browser.press(page, "Same area again");
      assert.equal((await settled()).text, "17JU");
    }
  });

  for (const kind of ["image", "named", "canvas", "background", "frame", "scrolled"]) {
    test(`by a proposal: ${kind}`, async () => {
      await open(`/${kind}/Arsy`);
      await captchaBox(page);
      await overlay();
      await browser.press(page, "Find it");
      const { hint, frame, toast } = await browser.until(page, ({ hint }) => /Is it this one/.test(hint), "a proposal");
      assert.match(hint, /Press Enter/);
      const box = await captchaBox(page, 0);
      for (const side of ["x", "y", "width", "height"]) assert.ok(Math.abs(frame[side] - box[side]) <= 1, side);
      assert.ok(!toast && (await clipboard(page)) === "nothing yet", "only a proposal");
      await page.keyboard.press("Enter");
      assert.equal((await settled()).text, "Arsy");
    });
  }

  test("by a proposal, again after its frame is gone", async () => {
    await open("/image/Arsy");
    await captchaBox(page);
    await browser.inWorker(() => chrome.storage.local.remove("area"));
    await overlay();
    await browser.press(page, "Find it");
    await browser.until(page, ({ frame }) => frame, "a proposal");
    await browser.drag(page, { x: 500, y: 400, width: 4, height: 4 });
    await browser.until(page, ({ frame, hint }) => !frame && /too small/.test(hint), "no frame");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await browser.until(page, ({ frame }) => frame, "the proposal again");
    await page.keyboard.press("Enter");
    assert.equal((await settled()).text, "Arsy");
  });

  test("nothing to propose, and challenges that are not of text", async () => {
    for (const [path, words] of [["/plain", /Nothing on this page/], ["/challenge", /is left alone/]]) {
      await open(path);
      await overlay();
      await browser.press(page, "Find it");
      await browser.until(page, ({ hint }) => words.test(hint), String(words));
      await page.close();
    }
  });

  for (const kind of ["image", "frame", "scrolled"]) {
    test(`from the menu on a picture: ${kind}`, async () => {
      await open(`/${kind}/Arsy`);
      await captchaBox(page);
      // The menu would give the permission for the tab, which its event alone does not.
      await overlay();
      await page.keyboard.press("Escape");
      await browser.until(page, ({ overlay }) => !overlay, "no overlay");
      await browser.chooseFromMenu(page, `${site.url}/picture/Arsy.jpg`);
      const { text } = await settled();
      assert.equal(text, "Arsy");
      assert.equal(await clipboard(page), "Arsy");
    });
  }

  test("from the menu on a picture in a frame of another site: to be dragged over", async () => {
    await open("/foreign/Arsy");
    await captchaBox(page);
    await overlay();
    await page.keyboard.press("Escape");
    await browser.until(page, ({ overlay }) => !overlay, "no overlay");
    const { port } = new URL(site.url);
    await browser.chooseFromMenu(page, `http://localhost:${port}/picture/Arsy.jpg`);
    await browser.until(page, ({ hint }) => /cannot be reached from the menu/.test(hint), "the overlay with its hint");
    await browser.drag(page, await captchaBox(page));
    assert.equal((await settled()).text, "Arsy");
  });
});
