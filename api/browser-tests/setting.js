// A browser, a program and a fresh page for every test, and what tests do with them; importing this sets it all up.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";

import { chromium } from "playwright-core";

import { FLAGS } from "./flags.js";
import { Service } from "./service.js";

const FIXTURES = join(import.meta.dirname, "fixtures");
export const pictures = (await readdir(FIXTURES)).sort().map((name) => join(FIXTURES, name));
export const [first, second] = pictures;

let browser;
export let service;
export let context;
export let page;
// What the page asked for, and what it got wrong.
export let requests;
export let faults;

before(async () => {
  service = await Service.start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
  });
});

after(async () => {
  await browser?.close();
  await service?.end();
});

/** Opens the page anew; every test has a browser profile of its own. */
export async function open(options = {}, url = service.url) {
  await context?.close();
  requests = [];
  faults = [];
  context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  context.setDefaultTimeout(20_000);
  context.on("request", (request) => requests.push(request.url()));
  page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    const failedRequest = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !failedRequest) faults.push(message.text());
  });
  await page.goto(url);
}

beforeEach(() => open());

afterEach(() => {
  assert.deepEqual(faults, [], "no script errors, no breach of the content security policy");
  const own = /^(http:\/\/127\.0\.0\.1:\d+\/|blob:|data:)/;
  assert.deepEqual(requests.filter((url) => !own.test(url)), [], "no request to another host");
});

export function card(path) {
  return page.locator(".card", { has: page.locator(".name", { hasText: basename(path) }) });
}

/** The card's text once there is one; it must be what the API says of the same bytes. */
export async function assertRead(path) {
  const expected = await service.read(await readFile(path));
  assert.notEqual(expected.text, "", `the program reads ${basename(path)}`);
  await card(path).locator(".text").waitFor();
  assert.equal(await card(path).locator(".text").textContent(), expected.text);
  return expected;
}

export async function drop(files) {
  const sent = await Promise.all(
    files.map(async ({ path, name = basename(path), type }) => ({
      name,
      type,
      base64: (await readFile(path)).toString("base64"),
    })),
  );
  return page.evaluate((files) => {
    const dataTransfer = new DataTransfer();
    for (const { name, type, base64 } of files) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      dataTransfer.items.add(new File([bytes], name, { type }));
    }
    const send = (kind) =>
      document.querySelector("footer").dispatchEvent(
        new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }),
      );
    send("dragover");
    const highlighted = document.body.classList.contains("dragging");
    send("drop");
    return { highlighted, after: document.body.classList.contains("dragging") };
  }, sent);
}

/** Presses Tab until the element has the focus, as somebody without a mouse would. */
export async function tabTo(locator, key = "Tab") {
  for (let presses = 0; presses < 40; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${locator} cannot be reached with ${key}`);
}
