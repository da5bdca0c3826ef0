// Pages that are zoomed, scaled, pinched and scrolled: frame, cut and toast are where the person sees them.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { Proxy } from "./proxy.js";
import { assertReads, browser, clearClipboard, service, setUp, site } from "./setting.js";
import { captchaBox } from "./site.js";

setUp();

let page;
afterEach(() => page?.close());

const open = async (path) => {
  page = await browser.open(site.url + path);
  await page.waitForLoadState("load");
  await clearClipboard(page);
};
const find = async () => {
  await browser.clickIcon(page);
  await browser.press(page, "Find it");
  return browser.until(page, ({ frame }) => frame, "a proposal");
};
const assertAt = (box, wanted) => {
  for (const side of ["x", "y", "width", "height"]) assert.ok(Math.abs(box[side] - wanted[side]) <= 1, `${side}: ${box[side]}, not ${wanted[side]}`);
};
const near = (box, wanted) => ["x", "y", "width", "height"].every((side) => Math.abs(box[side] - wanted[side]) <= 1);
const seen = () => captchaBox(page, 0);

describe("zoomed and scaled by the page", () => {
  // The picture's size as it is seen.
  const cases = { zoomed: [128 * 1.4, 48 * 1.4], scaled: [128 * 0.75, 48 * 0.75], zoomedFrame: [128 * 1.5, 48 * 1.5] };

  let proxy;
  before(async () => (proxy = await Proxy.start(service.url)));
  after(async () => {
    await browser.settings({ server: service.url });
    await proxy.end();
  });

  for (const [kind, size] of Object.entries(cases)) {
    test(kind, async () => {
      await browser.settings({ server: proxy.url });
      await open(`/${kind}/Arsy`);
      const box = await seen();
      const { frame, place } = await find();
      assertAt(frame, box);
      const view = await page.evaluate(() => ({ width: innerWidth, height: innerHeight }));
      assert.ok(place.width <= 720 && place.x >= 0 && place.x + place.width <= view.width && place.y + place.height <= view.height, "the bar");
      await page.keyboard.press("Escape");
      await browser.until(page, ({ overlay }) => !overlay, "no overlay");
      proxy.bodies.length = 0;
      await assertReads(page, "Arsy", { x: box.x - 5, y: box.y - 5, width: box.width + 10, height: box.height + 10 });
      const [png] = proxy.bodies;
      const sent = [png.readUInt32BE(16), png.readUInt32BE(20)];
      for (const side of [0, 1]) assert.ok(Math.abs(sent[side] - size[side]) <= 1, `${sent}, not ${size}`);
    });
  }
});

describe("moved under the overlay", () => {
  test("scrolled inside the page: the frame goes along, and is gone where the captcha is", async () => {
    await open("/scroller/Arsy");
    assertAt((await find()).frame, await seen());
    const scroll = (top) => page.evaluate((top) => (document.getElementById("scroller").scrollTop = top), top);
    await scroll(30);
    const box = await seen();
    await browser.until(page, ({ frame }) => frame && near(frame, box), "the frame on the captcha");
    await page.keyboard.press("Enter");
    assert.equal((await browser.until(page, ({ text }) => text, "a text")).text, "Arsy");
    await scroll(0);
    await find();
    await scroll(600);
    await browser.until(page, ({ overlay, frame }) => overlay && !frame, "no frame");
  });

  test("scrolled in a frame, and moved by what loads above", async () => {
    await open("/frame/Arsy");
    await page.evaluate(() => (document.getElementById("frame").height = 190));
    await find();
    await page.frames()[1].evaluate(() => scrollTo(0, 25));
    await page.evaluate(() => document.body.prepend(Object.assign(document.createElement("div"), { style: "height: 77px" })));
    const box = await seen();
    await browser.until(page, ({ frame }) => frame && near(frame, box), "the frame on the captcha");
  });

  test("zoomed by the browser", async () => {
    await open("/image/Arsy");
    await page.evaluate(() => (document.getElementById("captcha").style.width = "20vw"));
    await find();
    await browser.zoom(page, 1.5);
    const box = await seen();
    await browser.until(page, ({ frame }) => frame && near(frame, box), "the frame on the captcha");
  });

  test("and the captcha is taken out of the page", async () => {
    await open("/image/Arsy");
    await find();
    await page.evaluate(() => document.getElementById("captcha").remove());
    await browser.until(page, ({ overlay, frame }) => overlay && !frame, "no frame");
  });
});

test("pinched: bar and toast are in what is seen, at their usual size", async () => {
  await open("/image/Arsy");
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setPageScaleFactor", { pageScaleFactor: 2 });
  await page.waitForFunction(() => visualViewport.scale === 2);
  await page.evaluate(() => document.getElementById("captcha").scrollIntoView({ block: "end", inline: "end" }));
  const inView = async ({ x, y, width, height }) => {
    const view = await page.evaluate(() => {
      const { offsetLeft: x, offsetTop: y, width, height } = visualViewport;
      return { x, y, width, height };
    });
    const words = JSON.stringify({ x, y, width, height, view });
    assert.ok(x >= view.x && y >= view.y && x + width <= view.x + view.width && y + height <= view.y + view.height, words);
  };
  const { place } = await find();
  await inView(place);
  await page.keyboard.press("Enter");
  const shown = await browser.until(page, ({ text }) => text, "a text");
  assert.equal(shown.text, "Arsy");
  await inView(shown.place);
  assert.ok(Math.abs(shown.place.width * 2 - 404) <= 1, `${shown.place.width}`);
});
