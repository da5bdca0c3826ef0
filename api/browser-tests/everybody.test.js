// The page by keyboard, on a narrow screen, in the dark and without motion.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { describe, test } from "node:test";

import { seriousFindings } from "./axe.js";
import { assertRead, card, first, open, page, second, tabTo } from "./setting.js";

describe("for everybody", () => {
  test("with the keyboard alone", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    // Asked for early: the browser takes a moment before it hands its dialogs over.
    const chooser = page.waitForEvent("filechooser");
    await tabTo(page.locator("#picker"));
    const outline = await page.locator("label", { has: page.locator("#picker") }).evaluate((label) =>
      getComputedStyle(label).outlineStyle);
    assert.equal(outline, "solid", "the focus is seen");
    await page.keyboard.press("Enter");
    await (await chooser).setFiles([first, second]);
    const { text } = await assertRead(first);
    await assertRead(second);
    await tabTo(card(first).locator(".copy"));
    await page.keyboard.press("Enter");
    await page.locator("#spoken", { hasText: "Copied" }).waitFor({ state: "attached" });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
    await tabTo(card(first).locator(".remove"));
    await page.keyboard.press("Space");
    assert.equal(await page.locator(".card").count(), 1);
    assert.ok(
      await card(second).locator(".remove").evaluate((button) => button === document.activeElement),
      "the focus goes on to the next picture",
    );
    await tabTo(page.locator("#clear"), "Shift+Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.locator(".card").count(), 0);
    assert.ok(await page.locator("#picker").evaluate((input) => input === document.activeElement));
  });

  test("a second press on Retry does nothing else", async () => {
    let down = true;
    await page.route("**/v1/jobs", (route) => (down ? route.abort("connectionrefused") : route.continue()));
    await page.setInputFiles("#picker", [first, second]);
    await page.getByText("0 of 2 read, 2 with errors").first().waitFor();
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    for (const [button, heading] of [[card(first).locator(".retry"), basename(first)], [page.locator("#retry-all"), "Pictures"]]) {
      await page.getByText("0 of 2 read, 2 with errors").first().waitFor();
      await button.focus();
      await page.keyboard.press("Enter");
      assert.equal(await focused(), heading);
      await page.keyboard.press("Enter");
      assert.equal(await page.locator(".card").count(), 2);
    }
    await page.getByText("0 of 2 read, 2 with errors").first().waitFor();
    down = false;
    await page.locator("#retry-all").click();
    await page.locator("#tally", { hasText: /^2 of 2 read$/ }).waitFor();
  });

  test("320 pixels wide, nothing to scroll sideways", async () => {
    await open({ viewport: { width: 320, height: 640 } });
    const buffer = Buffer.from("text");
    const name = `${"a very long name without an end ".repeat(4)}.txt`;
    await page.setInputFiles("#picker", [
      { name, mimeType: "text/plain", buffer },
      { name: "first.jpg", mimeType: "image/jpeg", buffer: await readFile(first) },
    ]);
    await page.locator(".text").waitFor();
    await page.locator(".error").waitFor();
    const { scroll, client } = await page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      client: document.documentElement.clientWidth,
    }));
    assert.ok(scroll <= client, `${scroll} > ${client}`);
  });

  test("dark where the system is dark", async () => {
    const lightness = () =>
      page.evaluate(() => {
        const sum = (color) => color.match(/\d+/g).slice(0, 3).reduce((total, part) => total + Number(part), 0);
        const { backgroundColor, color } = getComputedStyle(document.body);
        return { ground: sum(backgroundColor), ink: sum(color) };
      });
    await open({ colorScheme: "light" });
    const light = await lightness();
    assert.ok(light.ground > light.ink);
    await open({ colorScheme: "dark" });
    const dark = await lightness();
    assert.ok(dark.ground < dark.ink);
  });

  test("still where motion is not wanted", async () => {
    await open({ reducedMotion: "reduce" });
    await page.route("**/v1/jobs", () => {});
    await page.setInputFiles("#picker", first);
    await page.locator(".state").waitFor();
    const animation = await page.locator(".state").evaluate((state) => getComputedStyle(state, "::before").animationName);
    assert.equal(animation, "none");
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [{ width: 1100, height: 900 }, { width: 360, height: 640 }]) {
      test(`axe finds nothing serious, ${colorScheme}, ${viewport.width} pixels wide`, async () => {
        await open({ colorScheme, viewport });
        assert.deepEqual(await seriousFindings(page), [], "the empty page");
        const characters = [..."aB3"].map((character, index) => ({ character, confidence: index === 1 ? 0.5 : 0.99 }));
        const result = { text: "aB3", confidence: 0.5, characters, alternatives: [{ text: "a83", confidence: 0.2 }] };
        await page.route("**/v1/jobs", (route) => route.fulfill({ json: { id: "1", status: "succeeded", result } }));
        await page.setInputFiles("#picker", first);
        await page.setInputFiles("#picker", { name: "empty.png", mimeType: "image/png", buffer: Buffer.alloc(0) });
        await page.locator(".doubtful").waitFor();
        await page.locator(".error").waitFor();
        await page.evaluate(() => {
          document.getElementById("access").hidden = false;
          document.getElementById("key-kept").hidden = false;
        });
        assert.deepEqual(await seriousFindings(page), [], "results, an error and the key");
      });
    }
  }
});
