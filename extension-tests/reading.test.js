// From the icon to the clipboard, on screens and zooms of all kinds and in whatever way a page shows its captcha.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Service } from "../api/browser-tests/service.js";
import { Browser } from "./chromium.js";
import { Proxy } from "./proxy.js";
import { LABELS, assertReads, readByHand, useBrowser } from "./setting.js";
import { Site, captchaBox } from "./site.js";

const KINDS = ["image", "canvas", "background", "frame", "scrolled"];
const ZOOMS = [0.5, 1, 1.75];

let service;
let site;

before(async () => ([service, site] = await Promise.all([Service.start(), Site.start()])));
after(async () => {
  await site?.end();
  await service?.end();
});

for (const scale of [1, 1.25, 2, 3]) {
  describe(`at device scale ${scale}`, () => {
    let browser;
    before(async () => {
      browser = await Browser.start({ scale });
      await useBrowser(browser, service);
    });
    after(() => browser?.end());

    for (const [row, zoom] of ZOOMS.entries()) {
      for (const [column, kind] of KINDS.entries()) {
        test(`${kind} at page zoom ${zoom * 100}%`, async () => {
          const label = LABELS[(row + column) % LABELS.length];
          const page = await browser.open(`${site.url}/${kind}/${label}`);
          await browser.zoom(page, zoom);
          if (kind === "scrolled") await page.evaluate(() => document.getElementById("captcha").scrollIntoView({ block: "center" }));
          await assertReads(page, label, await captchaBox(page));
          await page.close();
        });
      }
    }
  });
}

describe("in pages that make it hard", () => {
  let browser;
  before(async () => {
    browser = await Browser.start();
    await useBrowser(browser, service);
  });
  after(() => browser?.end());

  for (const kind of ["foreign", "dialog", "hostile"]) {
    test(`${kind}`, async () => {
      const page = await browser.open(`${site.url}/${kind}/Arsy`);
      await assertReads(page, "Arsy", await captchaBox(page));
      await page.close();
    });
  }
});

describe("what is sent", () => {
  let browser;
  let proxy;
  before(async () => {
    [browser, proxy] = await Promise.all([Browser.start({ scale: 2 }), Proxy.start(service.url)]);
    await useBrowser(browser, proxy);
  });
  after(async () => {
    await browser?.end();
    await proxy?.end();
  });

  /** The size of the picture that is sent for an area, in device pixels. */
  const sent = async (page, box) => {
    proxy.bodies.length = 0;
    await readByHand(page, box);
    const [png] = proxy.bodies;
    return [png.readUInt32BE(16), png.readUInt32BE(20)];
  };

  test("is the picture where the frame is nearly its own, and the frame where it is not", async () => {
    const page = await browser.open(`${site.url}/image/17JU`);
    const box = await captchaBox(page, 0);
    const grown = (by) => ({ x: box.x - by, y: box.y - by, width: box.width + 2 * by, height: box.height + 2 * by });
    assert.deepEqual([box.width, box.height], [128, 48]);
    for (const margin of [-3, 0, 9]) assert.deepEqual(await sent(page, grown(margin)), [256, 96], `margin ${margin}`);
    assert.deepEqual(await sent(page, grown(18)), [2 * (128 + 36), 2 * (48 + 36)]);
    assert.deepEqual(await sent(page, { ...box, width: 64 }), [128, 96]);
  });
});
