// A browser with the extension, a program and a site for the tests of a file.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { Service } from "../api/browser-tests/service.js";
import { Browser } from "./chromium.js";
import { Site, captchaBox } from "./site.js";

// Read right from their files, and so to be read right from a page.
export const LABELS = ["17JU", "1i11", "Arsy", "JsBl5d"];

export let browser;
export let service;
export let site;

/** To be called once by a file of tests. */
export function setUp(options) {
  before(async () => {
    [service, site] = await Promise.all([Service.start(), Site.start()]);
    await useBrowser(await Browser.start(options), service);
  });
  after(async () => {
    await browser?.end();
    await site?.end();
    await service?.end();
  });
}

/** Has the tests go on with this browser, connected to that program. */
export async function useBrowser(started, { url }) {
  browser = started;
  await browser.settings({ server: url });
  await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
}

export async function clipboard(page) {
  await page.bringToFront();
  return page.evaluate(() => navigator.clipboard.readText());
}

export function clearClipboard(page) {
  return page.evaluate(() => navigator.clipboard.writeText("nothing yet"));
}

/** Waits until the extension holds no reading any more. */
export async function nothingKept() {
  const left = () => browser.inWorker(() => chrome.storage.session.get(null));
  const end = Date.now() + 5000;
  while (Object.keys(await left()).length > 0 && Date.now() < end) await new Promise((over) => setTimeout(over, 50));
  assert.deepEqual(await left(), {});
}

/** Icon, drag, and what is shown at the end. */
export async function readByHand(page, box) {
  await browser.clickIcon(page);
  await browser.until(page, ({ overlay }) => overlay, "the overlay");
  await browser.drag(page, box ?? (await captchaBox(page)));
  return browser.until(page, ({ text, trouble }) => text || trouble, "an end");
}

/** The same on a page of the site: its text is the label, and is on the clipboard. */
export async function assertReads(page, label, box) {
  await clearClipboard(page);
  const shown = await readByHand(page, box);
  assert.equal(shown.trouble, null);
  assert.equal(shown.text, label);
  assert.match(shown.state, /^Copied/);
  assert.equal(await clipboard(page), label);
  return shown;
}
