// From the icon to the clipboard, on screens and zooms of all kinds and in whatever way a page shows its captcha.

import { after, before, describe, test } from "node:test";

import { Service } from "../api/browser-tests/service.js";
import { Browser } from "./chromium.js";
import { LABELS, assertReads, useBrowser } from "./setting.js";
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
