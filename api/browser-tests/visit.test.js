// What stays over a visit: the list, links to results, the choice of colours; and how far many pictures are.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";

import { assertRead, card, context, first, open, page, second, service } from "./setting.js";

describe("the visit", () => {
  test("a reload loses nothing that was read, and clearing leaves nothing", async () => {
    await page.setInputFiles("#picker", [first, second]);
    const texts = [(await assertRead(first)).text, (await assertRead(second)).text];
    await page.waitForFunction(() => JSON.parse(sessionStorage.getItem("byecaptcha-history") ?? "[]").length === 2);
    await page.reload();
    for (const [index, path] of [first, second].entries()) {
      assert.equal(await card(path).locator(".text").textContent(), texts[index]);
      await page.waitForFunction((image) => image.naturalWidth > 0, await card(path).locator("img").elementHandle());
    }
    assert.equal(await page.locator("#tally").textContent(), "2 of 2 read");
    await card(first).locator(".remove").click();
    await page.reload();
    assert.equal(await page.locator(".card").count(), 1);
    await page.getByRole("button", { name: "Clear all" }).click();
    await page.reload();
    assert.equal(await page.locator(".card").count(), 0);
    assert.ok(await page.locator("#results").isHidden());
  });

  test("a reload keeps the order of the list, in whatever order its pictures were read", async () => {
    const buffer = await readFile(first);
    const kept = (count) => page.waitForFunction((count) => JSON.parse(sessionStorage.getItem("byecaptcha-history") ?? "[]").length === count, count);
    let release;
    const held = new Promise((open) => (release = open));
    let posts = 0;
    await page.route("**/v1/jobs", async (route) => {
      posts += 1;
      if (posts === 2) await held;
      await route.continue();
    });
    const add = (names) => page.setInputFiles("#picker", names.map((name) => ({ name, mimeType: "image/jpeg", buffer })));
    await add(["a.jpg", "b.jpg", "c.jpg"]);
    await kept(2);
    await add(["d.jpg"]);
    await kept(3);
    release();
    await kept(4);
    const order = ["d.jpg", "a.jpg", "b.jpg", "c.jpg"];
    assert.deepEqual(await page.locator(".card .name").allTextContents(), order);
    await page.reload();
    assert.deepEqual(await page.locator(".card .name").allTextContents(), order);
  });

  test("a picture that is removed before it is kept is not kept", async () => {
    await page.evaluate(() => {
      HTMLImageElement.prototype.decode = () => new Promise((over) => (window.decoded = over));
    });
    await page.setInputFiles("#picker", first);
    await assertRead(first);
    await page.waitForFunction(() => window.decoded);
    await page.getByRole("button", { name: "Clear all" }).click();
    await page.evaluate(() => window.decoded());
    await page.waitForTimeout(200);
    assert.deepEqual(await page.evaluate(() => JSON.parse(sessionStorage.getItem("byecaptcha-history"))), []);
  });

  test("another visit begins empty", async () => {
    await page.setInputFiles("#picker", first);
    await assertRead(first);
    const other = await context.newPage();
    await other.goto(service.url);
    assert.equal(await other.locator(".card").count(), 0);
  });

  test("a link shows the result to another visit, and to this one where it is", async () => {
    await page.setInputFiles("#picker", [first, second]);
    const { text } = await assertRead(first);
    await assertRead(second);
    const link = card(first).getByRole("link", { name: /^Link to this result: / });
    const address = await link.evaluate(({ href }) => href);
    assert.match(address, /\/#job=[\w-]{36}$/);
    await link.click();
    assert.equal(await page.locator(".card").count(), 2, "it is there already");
    assert.ok(await card(first).locator(".name").evaluate((heading) => heading === document.activeElement));

    const other = await context.newPage();
    await other.goto(address);
    await other.locator(".card .text").waitFor();
    assert.equal(await other.locator(".card .text").textContent(), text);
    assert.ok(await other.getByText("No picture here").isVisible());
  });

  test("a link to what the service does not have", async () => {
    await page.goto(`${service.url}/#job=00000000-0000-7000-8000-000000000000`);
    await page.reload();
    await page.locator(".error").waitFor();
    assert.match(await page.locator(".error").textContent(), /no longer kept/);
    assert.equal(await page.locator(".retry").count(), 0, "there is no picture to read again");
  });

  test("many pictures: how far they are, for eyes and for ears", async () => {
    let release;
    const held = new Promise((open) => (release = open));
    let posts = 0;
    await page.route("**/v1/jobs", async (route) => {
      posts += 1;
      if (posts > 3) await held;
      await route.continue();
    });
    const buffer = await readFile(first);
    await page.setInputFiles("#picker", Array.from({ length: 12 }, (_, index) => ({ name: `${index}.jpg`, mimeType: "image/jpeg", buffer })));
    await page.locator("#tally", { hasText: /^3 of 12 read$/ }).waitFor();
    const bar = page.getByRole("progressbar", { name: "Pictures that are done" });
    assert.ok(await bar.isVisible());
    assert.deepEqual(await bar.evaluate(({ value, max }) => [value, max]), [3, 12]);
    release();
    await page.locator("#tally", { hasText: /^12 of 12 read$/ }).waitFor();
    await bar.waitFor({ state: "hidden" });
  });

  test("where the browser keeps nothing for pages, pictures are read all the same", async () => {
    await context.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        const get = () => {
          throw new DOMException("Access is denied", "SecurityError");
        };
        Object.defineProperty(window, name, { get });
      }
    });
    await page.reload();
    await page.setInputFiles("#picker", first);
    await assertRead(first);
  });

  test("light or dark by choice, also the next time", async () => {
    await open({ colorScheme: "light" });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole("combobox", { name: "Colours" }).selectOption("dark");
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await ground(), dark);
    await page.getByRole("combobox", { name: "Colours" }).selectOption("light");
    await page.emulateMedia({ colorScheme: "dark" });
    assert.equal(await ground(), light);
    await page.getByRole("combobox", { name: "Colours" }).selectOption("");
    assert.equal(await ground(), dark);
  });
});
