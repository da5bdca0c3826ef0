// What the page shows of an answer, and what can be done with it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertRead, card, first, open, page, pictures } from "./setting.js";

describe("text comes out", () => {
  test("confidence and doubts are those of the API, and never in colour alone", async () => {
    await page.setInputFiles("#picker", pictures);
    for (const path of pictures) {
      const expected = await assertRead(path);
      const percent = (value) => (value < 0.01 ? "under 1%" : `${Math.floor(value * 100 + 1e-9)}%`);
      assert.equal(await card(path).locator(".sureness").textContent(), `${percent(expected.confidence)} sure`);
      const shown = await card(path).locator(".text span").evaluateAll((spans) =>
        spans.map((span) => ({
          character: span.textContent,
          title: span.title,
          line: getComputedStyle(span).textDecorationStyle,
        })));
      const due = expected.characters.map(({ character, confidence }) =>
        confidence < 0.9
          ? { character, title: `${percent(confidence)} sure`, line: "wavy" }
          : { character, title: "", line: "solid" });
      assert.deepEqual(shown, due);
      const doubted = due.some(({ title }) => title !== "");
      assert.equal(await card(path).locator(".doubts").count(), doubted ? 1 : 0);
      const others = await card(path).locator(".alternatives code").allTextContents();
      const likely = expected.alternatives.filter(({ confidence }) => confidence >= 0.01);
      assert.deepEqual(others, likely.map(({ text }) => text));
    }
  });

  test("a doubtful character and alternatives, on an answer made for it", async () => {
    const characters = [..."aB3"].map((character, index) => ({ character, confidence: index === 1 ? 0.715 : 0.99 }));
    const result = { text: "aB3", confidence: 0.7, characters, alternatives: [{ text: "a83", confidence: 0.2 }] };
    result.alternatives.push({ text: "ab3", confidence: 0.009 });
    await page.route("**/v1/jobs", (route) => route.fulfill({ json: { id: "1", status: "succeeded", result } }));
    await page.setInputFiles("#picker", first);
    const doubtful = page.locator(".doubtful");
    await doubtful.waitFor();
    assert.equal(await page.locator(".text").textContent(), "aB3");
    assert.equal(await doubtful.count(), 1);
    assert.equal(await doubtful.textContent(), "B");
    assert.equal(await doubtful.getAttribute("title"), "71% sure");
    assert.equal(await doubtful.evaluate((span) => getComputedStyle(span).textDecorationStyle), "wavy");
    assert.equal(await page.locator(".doubts").textContent(), "Less sure of capital B in place 2 (71%)");
    assert.equal(await page.locator(".sureness").textContent(), "70% sure");
    assert.equal(await page.locator(".alternatives code").textContent(), "a83");
  });

  test("a job that is not done at once is asked for again", async () => {
    const result = { text: "x", confidence: 1, characters: [{ character: "x", confidence: 1 }], alternatives: [] };
    await page.route("**/v1/jobs", (route) =>
      route.fulfill({
        status: 202,
        headers: { Location: "/v1/jobs/7", "Retry-After": "1" },
        json: { id: "7", status: "queued" },
      }));
    let polls = 0;
    await page.route("**/v1/jobs/7", (route) => {
      polls += 1;
      route.fulfill({ json: polls === 1 ? { id: "7", status: "processing" } : { id: "7", status: "succeeded", result } });
    });
    await page.setInputFiles("#picker", first);
    await page.locator(".state", { hasText: /^Waiting$/ }).waitFor();
    await page.locator(".state", { hasText: /^Reading$/ }).waitFor();
    await page.locator(".text").waitFor();
    assert.equal(polls, 2);
  });

  test("copied, and said so", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.setInputFiles("#picker", first);
    const { text } = await assertRead(first);
    await page.locator(".copy").click();
    await page.locator("#spoken", { hasText: "Copied" }).waitFor({ state: "attached" });
    assert.equal(await page.locator("#spoken").getAttribute("aria-live"), "polite");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
  });

  test("copied where the browser keeps its clipboard to secure addresses", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.setInputFiles("#picker", first);
    const { text } = await assertRead(first);
    await page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error("not here"))));
    await page.locator(".copy").click();
    await page.locator(".copy", { hasText: "Copied" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
  });

  test("removed one by one and all at once", async () => {
    await page.setInputFiles("#picker", pictures.slice(0, 3));
    for (const path of pictures.slice(0, 3)) await assertRead(path);
    await card(first).locator(".remove").click();
    assert.equal(await page.locator(".card").count(), 2);
    await page.locator("#clear").click();
    assert.equal(await page.locator(".card").count(), 0);
    assert.ok(await page.locator("#results").isHidden());
  });
});
