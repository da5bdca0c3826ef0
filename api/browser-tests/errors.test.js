// What the page says when something goes wrong.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";

import { Service } from "./service.js";
import { assertRead, card, context, first, open, page, pictures, requests } from "./setting.js";

describe("what goes wrong is said in words", () => {
  test("a text file", async () => {
    const buffer = Buffer.from("This is not a picture.");
    await page.setInputFiles("#picker", { name: "notes.txt", mimeType: "text/plain", buffer });
    const error = page.locator(".card .error");
    await error.waitFor();
    assert.match(await error.textContent(), /not a picture that can be read/);
    assert.equal(await page.locator(".retry").count(), 0, "trying again would change nothing");
  });

  test("an empty, a cut off and a too large file", async () => {
    const whole = await readFile(first);
    const file = (name, buffer) => ({ name, mimeType: "image/jpeg", buffer });
    await page.setInputFiles("#picker", [
      file("empty.jpg", Buffer.alloc(0)),
      file("cut.jpg", whole.subarray(0, 40)),
      file("large.jpg", Buffer.concat([whole, Buffer.alloc(11 * 2 ** 20)])),
    ]);
    const error = async (name) => {
      await card(name).locator(".error").waitFor();
      return card(name).locator(".error").textContent();
    };
    assert.match(await error("empty.jpg"), /empty/);
    assert.match(await error("cut.jpg"), /incomplete|damaged/);
    assert.match(await error("large.jpg"), /too large/);
  });

  test("a busy service is asked again after the time that it gives", async () => {
    let tries = 0;
    await page.route("**/v1/jobs", (route) => {
      tries += 1;
      if (tries > 1) return route.continue();
      return route.fulfill({ status: 503, headers: { "Retry-After": "2" }, json: { type: "/problems/queue-full" } });
    });
    const begun = Date.now();
    await page.setInputFiles("#picker", first);
    await page.getByText("the service is busy, next try in 2 s").waitFor();
    await page.locator(".text").waitFor();
    assert.ok(Date.now() - begun >= 2000);
    assert.equal(tries, 2);
  });

  test("a picture whose answer was lost is the same job when it is sent again, and another once that has ended", async () => {
    const keys = [];
    let tries = 0;
    await page.route("**/v1/jobs", async (route) => {
      tries += 1;
      keys.push(route.request().headers()["idempotency-key"]);
      if (tries === 2) return route.fulfill({ json: { id: "7", status: "expired" } });
      if (tries === 3) return route.continue();
      await route.fetch();
      return route.abort("connectionreset");
    });
    await page.setInputFiles("#picker", first);
    for (const words of [/cannot be reached/, /waited too long/]) {
      await page.locator(".error", { hasText: words }).waitFor();
      await page.locator(".retry").click();
    }
    await assertRead(first);
    assert.equal(keys[1], keys[0]);
    assert.notEqual(keys[2], keys[1]);
  });

  test("a slow upload is waited for, for as long as it goes on", async () => {
    await page.route("**/client.js", async (route) => {
      const answer = await route.fetch();
      const [before, after] = (await answer.text()).split("ANSWER_TIMEOUT_MS = 60_000");
      await route.fulfill({ response: answer, body: `${before}ANSWER_TIMEOUT_MS = 2_500${after}` });
    });
    await page.reload();
    const session = await context.newCDPSession(page);
    const throttle = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 2 ** 20 };
    await session.send("Network.emulateNetworkConditions", throttle);
    const buffer = Buffer.concat([await readFile(first), Buffer.alloc(3 * 2 ** 20)]);
    const begun = Date.now();
    await page.setInputFiles("#picker", { name: "slow.jpg", mimeType: "image/jpeg", buffer });
    await page.locator(".text, .error").waitFor();
    assert.ok(Date.now() - begun > 2500, "it takes longer than an answer may");
    assert.equal(await page.locator(".error").count(), 0);
  });

  test("a body that came too slowly may be sent again", async () => {
    await page.route("**/v1/jobs", (route) => route.fulfill({ status: 408, json: { type: "/problems/request-timeout" } }));
    await page.setInputFiles("#picker", first);
    await page.locator(".error", { hasText: /took too long to arrive/ }).waitFor();
    await page.locator(".retry").waitFor();
  });

  test("what is refused for something else than the key asks for none", async () => {
    const detail = "The page is from http://a.example.";
    await page.route("**/v1/jobs", (route) => route.fulfill({ status: 403, json: { type: "/problems/cross-site", detail } }));
    await page.setInputFiles("#picker", first);
    await page.locator(".error", { hasText: detail }).waitFor();
    assert.ok(await page.locator("#key-form").isHidden());
  });

  test("many failures are tried again with one button", async () => {
    let down = true;
    await page.route("**/v1/jobs", (route) => (down ? route.abort("connectionrefused") : route.continue()));
    await page.setInputFiles("#picker", { name: "empty.png", mimeType: "image/png", buffer: Buffer.alloc(0) });
    await page.setInputFiles("#picker", pictures.slice(0, 3));
    await page.getByText("0 of 4 read, 4 with errors").first().waitFor();
    down = false;
    await page.getByRole("button", { name: "Retry all" }).click();
    await page.getByText("3 of 4 read, 1 with an error").first().waitFor();
    assert.ok(await page.getByRole("button", { name: "Retry all" }).isHidden(), "an empty file stays empty");
  });

  test("a file over the limit that the service states is not even sent", async () => {
    await page.route(/\/$/, async (route) => {
      const answer = await route.fetch();
      const body = (await answer.text()).replace(/data-max-upload-bytes="\d+"/, 'data-max-upload-bytes="2048"');
      await route.fulfill({ response: answer, body });
    });
    await page.reload();
    assert.match(await page.locator(".formats").textContent(), /up to 2 kB each/);
    await page.setInputFiles("#picker", { name: "a.png", mimeType: "image/png", buffer: Buffer.alloc(2049) });
    await page.locator(".error").waitFor();
    assert.match(await page.locator(".error").textContent(), /up to 2 kB can be read/);
    assert.deepEqual(requests.filter((url) => url.endsWith("/v1/jobs")), []);
  });

  test("a stopped service, and a retry once it is back", async () => {
    const own = await Service.start();
    try {
      await open({}, own.url);
      await own.stop();
      await page.setInputFiles("#picker", first);
      await page.locator(".error").waitFor();
      assert.match(await page.locator(".error").textContent(), /cannot be reached/);
      await own.resume();
      await page.locator(".retry").click();
      await assertRead(first);
    } finally {
      await own.end();
    }
  });
});
