// The options and the first page.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { seriousFindings } from "../api/browser-tests/axe.js";
import { browser, service, setUp, site } from "./setting.js";

setUp();

let page;
let faults;
beforeEach(() => browser.settings({}));
afterEach(async () => {
  assert.deepEqual(faults, [], "no errors and no breach of the content security policy");
  await page?.close();
});

const open = async (path) => {
  faults = [];
  page = await browser.context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
  });
  await page.goto(`chrome-extension://${browser.id}/${path}`);
  await page.locator("[data-ready]").waitFor();
};
const report = async (words) => page.locator("#report", { hasText: words }).waitFor();
const kept = () => browser.inWorker(async () => (await chrome.storage.local.get("settings")).settings);

describe("options", () => {
  test("connect: the permission is asked for that origin alone, and a sample is read", async () => {
    await open("options.html");
    await page.evaluate(() => {
      window.asked = [];
      const request = chrome.permissions.request.bind(chrome.permissions);
      chrome.permissions.request = (permissions) => {
        window.asked.push(permissions);
        return request(permissions);
      };
    });
    await page.fill("#address", `${service.url}/`);
    await page.getByRole("button", { name: "Save and test" }).click();
    await report(/^Connected\. A sample was read as 17JU in \d+ ms\.$/);
    assert.deepEqual(await page.evaluate(() => window.asked), [{ origins: [`${service.url}/*`] }]);
    assert.equal((await kept()).server, service.url);
    assert.deepEqual(await page.locator("#model option").allTextContents(), ["The server's own choice", "general"]);
  });

  test("declined: nothing is changed", async () => {
    await open("options.html");
    await page.evaluate(() => (chrome.permissions.request = () => Promise.resolve(false)));
    await page.fill("#address", "captcha.example.org");
    await page.getByRole("button", { name: "Save and test" }).click();
    await report(/Without this permission/);
    assert.deepEqual(await kept(), {});
  });

  test("wrong addresses, and one that is not encrypted", async () => {
    await open("options.html");
    for (const wrong of ["ftp://example.org", "http://", "javascript:alert(1)", "http://user:secret@example.org"]) {
      await page.fill("#address", wrong);
      await page.getByRole("button", { name: "Save and test" }).click();
      await report(/This is no address/);
    }
    assert.ok(await page.locator("#unencrypted").isHidden());
    await page.fill("#address", "http://captcha.example.org");
    await page.locator("#unencrypted").waitFor();
    await page.fill("#address", "https://captcha.example.org");
    await page.locator("#unencrypted").waitFor({ state: "hidden" });
  });

  test("nothing there, and something else there", async () => {
    await open("options.html");
    await page.fill("#address", "127.0.0.1:9");
    await page.getByRole("button", { name: "Save and test" }).click();
    await report("No server answers at http://127.0.0.1:9. Is it running?");
    await page.fill("#address", site.url);
    await page.getByRole("button", { name: "Save and test" }).click();
    await report(/is not ByeCaptcha/);
  });

  test("the key is hidden until it is shown", async () => {
    await open("options.html");
    await page.fill("#key", "bc_1_2");
    assert.equal(await page.getAttribute("#key", "type"), "password");
    await page.getByRole("button", { name: "Show" }).click();
    assert.equal(await page.getAttribute("#key", "type"), "text");
    assert.equal(await page.getAttribute("#show", "aria-pressed"), "true");
  });

  test("language, model and clipboard are kept as they are chosen", async () => {
    await browser.settings({ server: service.url });
    await open("options.html");
    await page.locator("#model option", { hasText: "general" }).waitFor({ state: "attached" });
    await page.selectOption("#model", "general");
    await page.getByLabel("Put the text on the clipboard").uncheck();
    await page.selectOption("#language", "zh");
    await page.getByText("服务器", { exact: true }).waitFor();
    assert.equal(await page.getAttribute("html", "lang"), "zh");
    const { model, clipboard, language } = await kept();
    assert.deepEqual({ model, clipboard, language }, { model: "general", clipboard: false, language: "zh" });
    await page.reload();
    await page.locator("[data-ready]").waitFor();
    assert.equal(await page.inputValue("#model"), "general");
    assert.ok(!(await page.isChecked("#clipboard")));
  });
});

test("the browser has given the extension its shortcut, and the pages say which", async () => {
  const [{ shortcut }] = await browser.inWorker(() => chrome.commands.getAll());
  assert.equal(shortcut, "Ctrl+Shift+Y");
  await open("welcome.html");
  await page.getByText(`press ${shortcut}.`).waitFor();
  await open("options.html");
  assert.equal(await page.locator("#keys").textContent(), shortcut);
});

test("the first page connects to a local server", async () => {
  await open("welcome.html");
  assert.equal(await page.inputValue("#address"), "http://127.0.0.1:8080");
  await page.fill("#address", service.url);
  await page.getByRole("button", { name: "Connect" }).click();
  await report(/^Connected/);
  await page.getByRole("link", { name: /options/ }).click();
  await page.locator("[data-ready]").waitFor();
  assert.equal(await page.inputValue("#address"), service.url);
});

test("the first page keeps a key from a server that it is not for", async () => {
  await browser.settings({ server: "http://127.0.0.1:9", key: "bc_1_2" });
  await open("welcome.html");
  await page.fill("#address", service.url);
  await page.getByRole("button", { name: "Connect" }).click();
  await report(/^Connected/);
  assert.equal((await kept()).key, "");
});

test("the first page sends the key that was set in the options meanwhile, and keeps it", async () => {
  await browser.settings({ server: service.url });
  await open("welcome.html");
  await browser.settings({ server: service.url, key: "bc_1_2" });
  await page.getByRole("button", { name: "Connect" }).click();
  await report(/^Connected/);
  assert.equal((await kept()).key, "bc_1_2");
});

test("the options keep a key from a server that it is not for", async () => {
  await browser.settings({ server: "http://127.0.0.1:9", key: "bc_1_2" });
  await open("options.html");
  const key = async (address) => {
    await page.fill("#address", address);
    await page.locator("#address").blur();
    return page.inputValue("#key");
  };
  assert.equal(await key("http://127.0.0.1:9/captchas"), "bc_1_2");
  assert.equal(await key(service.url), "");
  assert.equal(await key("http://127.0.0.1:9"), "bc_1_2", "it is not lost by a mistake");
  await page.fill("#address", service.url);
  await page.getByRole("button", { name: "Save and test" }).click();
  await report(/^Connected/);
  assert.equal((await kept()).key, "");
  await page.fill("#key", "bc_3_4");
  assert.equal(await key("http://127.0.0.1:9"), "", "typed for another address");
});

test("the options keep a key from a server that it is not for, where the one that it is for was never there", async () => {
  await browser.settings({ server: service.url, key: "bc_1_2" });
  await open("options.html");
  await page.fill("#address", "http://127.0.0.1:9");
  await page.fill("#key", "bc_3_4");
  await page.getByRole("button", { name: "Save and test" }).click();
  await report(/^No server answers/);
  await page.fill("#address", service.url);
  await page.getByRole("button", { name: "Save and test" }).click();
  await report(/^Connected/);
  assert.equal((await kept()).key, "");
});

for (const path of ["options.html", "welcome.html"]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing serious in ${path}, ${colorScheme}, 320 pixels wide as well`, async () => {
      await open(path);
      await page.emulateMedia({ colorScheme });
      for (const viewport of [{ width: 1100, height: 900 }, { width: 320, height: 640 }]) {
        await page.setViewportSize(viewport);
        assert.deepEqual(await seriousFindings(page), []);
        const { scroll, client } = await page.evaluate(() => ({
          scroll: document.documentElement.scrollWidth,
          client: document.documentElement.clientWidth,
        }));
        assert.ok(scroll <= client, `${scroll} > ${client}`);
      }
    });
  }
}
