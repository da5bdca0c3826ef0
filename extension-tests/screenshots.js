// Makes the pictures of the README: node screenshots.js writes them to docs/.

import { join } from "node:path";

import { Service } from "../api/browser-tests/service.js";
import { Browser } from "./chromium.js";
import { Site, captchaBox, fixtures } from "./site.js";

const DOCS = join(import.meta.dirname, "../docs");

const [service, site] = await Promise.all([Service.start(), Site.start()]);
const browser = await Browser.start({ scale: 1, args: ["--window-size=1000,700"] });
try {
  await browser.settings({ server: service.url });
  const page = await browser.open(`${site.url}/shop/JsBl5d`);
  const box = await captchaBox(page, 6);
  const shot = (name, on = page, options = {}) => on.screenshot({ path: join(DOCS, name), ...options });
  await page.focus("#code");
  await browser.clickIcon(page);
  await browser.until(page, ({ overlay }) => overlay, "the overlay");
  await page.mouse.move(box.x, box.y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width, box.y + box.height);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowLeft");
  await shot("extension-overlay.png");
  await page.mouse.up();
  await page.keyboard.press("Enter");
  await browser.until(page, ({ text }) => text, "a text");
  await browser.press(page, "Fill in");
  await page.mouse.move(500, 500);
  await shot("extension-toast.png");

  // The address that a newcomer has, whatever port this server was given.
  const options = await browser.context.newPage();
  await options.setViewportSize({ width: 860, height: 800 });
  await options.goto(`chrome-extension://${browser.id}/options.html`);
  await options.locator("[data-ready]").waitFor();
  await options.getByRole("button", { name: "Save and test" }).click();
  await options.locator("#report", { hasText: "Connected" }).waitFor();
  await options.fill("#address", "http://127.0.0.1:8080");
  await options.evaluate(() => document.activeElement.blur());
  await shot("extension-options.png", options);

  const own = await browser.context.newPage();
  await own.setViewportSize({ width: 900, height: 850 });
  await own.goto(service.url);
  await own.setInputFiles("#picker", ["1i11", "UW7z"].map((label) => fixtures.get(label)));
  await own.getByText("2 of 2 read", { exact: true }).first().waitFor();
  await shot("page.png", own);
} finally {
  await browser.end();
  await site.end();
  await service.end();
}
