// A service that asks for an API key: the page asks for one, keeps it as it is told to, and says what is wrong with it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";

import { PROGRAM, Service } from "./service.js";
import { card, context, first, open, page, second } from "./setting.js";

describe("a service with keys", () => {
  let own;
  let keys;
  const create = async (scopes, ...rest) => {
    const { stdout } = await promisify(execFile)(PROGRAM, ["keys", "create", "--name", "test", "--scopes", scopes, "--data", own.data, ...rest]);
    return stdout.split("\n")[0];
  };
  const status = async (key) =>
    (await fetch(`${own.url}/v1/models`, { headers: { Authorization: `Bearer ${key}` } })).status;

  before(async () => {
    own = await Service.start();
    keys = {
      right: await create("submit,read"),
      reader: await create("read"),
      slow: await create("submit,read", "--rate", "3/m"),
    };
    // Servers look at the file every second.
    while ((await status("none")) !== 401 || (await status(keys.reader)) !== 200) await new Promise((over) => setTimeout(over, 100));
  });
  after(() => own?.end());
  beforeEach(async () => {
    await open({}, own.url);
    await page.locator("#key").waitFor();
  });

  const use = async (key) => {
    await page.fill("#key", key);
    await page.getByRole("button", { name: "Use it" }).click();
  };
  const said = (words) => page.locator("#key-report", { hasText: words }).waitFor();

  test("asks at once, and says what is wrong", async () => {
    await said("The service asks for an API key.");
    await use("bc_000000000000_wrong");
    await said(/does not take this API key/);
    await use("ключ");
    await said(/does not take this API key/);
    assert.ok(await page.locator("#key").isVisible());
  });

  test("pictures that came without a key are read once there is one", async () => {
    await page.setInputFiles("#picker", [first, second]);
    for (const path of [first, second]) {
      await card(path).locator(".error").waitFor();
      assert.equal(await card(path).locator(".error").textContent(), "The service asks for an API key.");
    }
    await use(keys.right);
    for (const path of [first, second]) await card(path).locator(".text").waitFor();
    await said("An API key is kept until this tab is closed.");
    assert.ok(await page.locator("#key").isHidden());
  });

  test("what was read is not read again with the next key, nor with a second click", async () => {
    let posts = 0;
    await page.route("**/v1/jobs", (route) => {
      posts += 1;
      return route.continue();
    });
    await page.setInputFiles("#picker", first);
    await card(first).locator(".error").waitFor();
    assert.equal(posts, 1);
    await page.fill("#key", keys.right);
    await page.getByRole("button", { name: "Use it" }).evaluate((button) => {
      button.click();
      button.click();
    });
    await card(first).locator(".text").waitFor();
    await page.getByRole("button", { name: "Forget it" }).click();
    await use(keys.right);
    await said(/until this tab is closed/);
    await page.waitForTimeout(300);
    assert.equal(posts, 2);
  });

  test("kept for the visit: after a reload, not in another tab", async () => {
    await use(keys.right);
    await said(/until this tab is closed/);
    await page.reload();
    await said(/until this tab is closed/);
    const other = await context.newPage();
    await other.goto(own.url);
    await other.locator("#key").waitFor();
  });

  test("kept in this browser, and forgotten", async () => {
    await page.getByLabel("Keep it in this browser").check();
    await use(keys.right);
    await said("An API key is kept in this browser.");
    const other = await context.newPage();
    await other.goto(own.url);
    await other.locator("#key-report", { hasText: "kept in this browser" }).waitFor();
    await other.setInputFiles("#picker", first);
    await other.locator(".text").waitFor();
    await other.getByRole("button", { name: "Forget it" }).click();
    assert.deepEqual(await other.evaluate(() => [localStorage.length, sessionStorage.getItem("byecaptcha-key")]), [0, null]);
    await page.reload();
    await page.locator("#key").waitFor();
  });

  test("a key that may not submit", async () => {
    await use(keys.reader);
    await said(/until this tab/);
    await page.setInputFiles("#picker", first);
    await page.locator(".card .error").waitFor();
    assert.match(await page.locator(".card .error").textContent(), /needs the scopes submit and read/);
    await said(/needs the scopes/);
  });

  test("a key that is used too often waits for as long as the service says", async () => {
    await use(keys.slow);
    await said(/until this tab/);
    await page.route("**/v1/jobs", (route) => route.continue());
    const buffer = await readFile(first);
    await page.setInputFiles("#picker", Array.from({ length: 4 }, (_, index) => ({ name: `${index}.jpg`, mimeType: "image/jpeg", buffer })));
    await page.getByText(/the API key is used more often than it may be, next try in \d+ s/).first().waitFor();
  });
});
