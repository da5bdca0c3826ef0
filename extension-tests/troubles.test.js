// What happens when something goes wrong, and that it is said in words.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, afterEach, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { PROGRAM, Service } from "../api/browser-tests/service.js";
import { Browser } from "./chromium.js";
import { Proxy } from "./proxy.js";
import { assertReads, browser, clearClipboard, clipboard, nothingKept, readByHand, service, setUp, site } from "./setting.js";
import { captchaBox } from "./site.js";

setUp();

let page;
afterEach(async () => {
  await browser.settings({ server: service.url });
  await page?.close();
});

const begin = async (label = "17JU") => {
  page = await browser.open(`${site.url}/image/${label}`);
  await clearClipboard(page);
};
const mark = async () => {
  await browser.clickIcon(page);
  await browser.until(page, ({ overlay }) => overlay, "the overlay");
  await browser.drag(page, await captchaBox(page));
};

describe("the server", () => {
  let proxy;
  before(async () => (proxy = await Proxy.start(service.url)));
  after(() => proxy.end());
  afterEach(() => {
    proxy.answer = () => false;
    proxy.seen.length = 0;
  });

  test("answers after the service worker was killed: the reading goes on", async () => {
    await browser.settings({ server: proxy.url });
    await begin();
    const release = proxy.hold();
    await mark();
    await browser.until(page, ({ reading }) => reading, "the toast");
    const before = await browser.inWorker(() => (globalThis.mark = "before"));
    assert.equal(before, "before");
    await browser.stopWorker();
    release();
    const { text } = await browser.until(page, ({ text }) => text, "a text");
    assert.equal(text, "17JU");
    assert.equal(await clipboard(page), "17JU");
    assert.equal(await browser.inWorker(() => globalThis.mark ?? null), null, "it is another worker");
    assert.ok(proxy.seen.filter((each) => each === "POST /v1/jobs").length >= 2, "asked again");
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    const [, submitted] = /^jobs_submitted_total(?:\{[^}]*\})? (\d+)/m.exec(metrics);
    assert.equal(Number(submitted), 1, "and the same job all the same");
  });

  test("has accepted the job when the service worker is killed: it is asked after", async () => {
    await browser.settings({ server: proxy.url });
    await begin("Arsy");
    let job;
    let polls = 0;
    const accept = async (incoming) => {
      const body = Buffer.concat(await incoming.toArray());
      const answer = await fetch(`${service.url}/v1/jobs`, { method: "POST", headers: { "Content-Type": "image/png" }, body });
      return { ...(await answer.json()), status: "queued", result: undefined };
    };
    // The program is too quick to be polled, so this says what it says when it is not.
    proxy.answer = (incoming, response) => {
      if (incoming.method === "POST") {
        accept(incoming).then((record) => {
          job = record;
          response.writeHead(202, { "Content-Type": "application/json", "Retry-After": "1" });
          response.end(JSON.stringify(record));
        });
        return true;
      }
      polls += 1;
      // The first poll is never answered.
      return polls === 1;
    };
    await mark();
    while (polls === 0) await new Promise((over) => setTimeout(over, 20));
    await browser.stopWorker();
    const { text } = await browser.until(page, ({ text }) => text, "a text");
    assert.equal(text, "Arsy");
    assert.deepEqual(proxy.seen, ["POST /v1/jobs", `GET /v1/jobs/${job.id}`, `GET /v1/jobs/${job.id}`]);
  });

  test("takes long, and the toast is closed: asked after no more, and the clipboard stays as it is", async () => {
    await browser.settings({ server: proxy.url });
    await begin();
    proxy.answer = (incoming, response) => {
      response.writeHead(202, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ id: "7", status: "queued" }));
      return true;
    };
    await mark();
    await browser.until(page, ({ reading }) => reading, "the toast");
    while (!proxy.seen.includes("GET /v1/jobs/7")) await new Promise((over) => setTimeout(over, 20));
    await browser.press(page, "×");
    await browser.until(page, ({ toast }) => !toast, "nothing");
    await nothingKept();
    proxy.seen.length = 0;
    // Neither this worker nor one that is woken later goes on with it.
    await browser.stopWorker();
    await new Promise((over) => setTimeout(over, 1000));
    assert.equal(await page.evaluate(() => document.querySelector("byecaptcha-overlay")), null);
    assert.deepEqual(proxy.seen, []);
    assert.equal(await clipboard(page), "nothing yet");
    // Nothing has woken it, and the next test needs it.
    await browser.clickIcon(page);
    await browser.until(page, ({ overlay }) => overlay, "the overlay");
  });

  test("answers after the toast was closed: the clipboard stays as it is", async () => {
    await browser.settings({ server: proxy.url });
    await begin();
    const release = proxy.hold();
    await mark();
    await browser.until(page, ({ reading }) => reading, "the toast");
    await browser.press(page, "×");
    await browser.until(page, ({ toast }) => !toast, "nothing");
    release();
    await nothingKept();
    assert.equal(await clipboard(page), "nothing yet");
  });

  test("takes a correction after another captcha was read: that one's text stays", async () => {
    await browser.settings({ server: proxy.url });
    await begin();
    await readByHand(page);
    let thank;
    const corrected = new Promise((came) => {
      proxy.answer = ({ url }, response) => {
        if (!url.endsWith("/feedback")) return false;
        thank = () => response.writeHead(204).end();
        came();
        return true;
      };
    });
    await browser.press(page, "Correct it");
    await browser.until(page, ({ buttons }) => buttons.some(({ words }) => words === "Send"), "the field");
    await page.keyboard.type("wrong");
    await page.keyboard.press("Enter");
    await corrected;
    await page.evaluate(() => {
      const captcha = document.getElementById("captcha");
      captcha.src = "/picture/Arsy.jpg";
      return captcha.decode();
    });
    assert.equal((await readByHand(page)).text, "Arsy");
    thank();
    await new Promise((over) => setTimeout(over, 500));
    assert.equal((await browser.shown(page)).text, "Arsy");
    assert.equal(await clipboard(page), "Arsy");
  });

  test("is busy, and the toast is closed: the picture is sent no more", async () => {
    await browser.settings({ server: proxy.url });
    await begin();
    proxy.answer = (incoming, response) => {
      response.writeHead(503, { "Retry-After": "1" });
      response.end();
      return true;
    };
    await mark();
    await browser.until(page, ({ reading }) => /busy/.test(reading), "that it is busy");
    await browser.press(page, "×");
    await browser.until(page, ({ toast }) => !toast, "nothing");
    await nothingKept();
    proxy.seen.length = 0;
    await new Promise((over) => setTimeout(over, 2500));
    assert.deepEqual(proxy.seen, []);
  });

  test("holds no answer back: asked after once a second, and the page's side never has the key", async () => {
    await browser.settings({ server: proxy.url, key: "bc_1_2" });
    await begin();
    proxy.answer = ({ method }, response) => {
      const made = method === "POST" || proxy.seen.length < 3;
      response.writeHead(200, { "Content-Type": made ? "application/json" : "text/html" });
      response.end(made ? JSON.stringify({ id: "7", status: "queued" }) : "<p>Something else</p>");
      return true;
    };
    await browser.inWorker(() => {
      globalThis.told = [];
      chrome.runtime.onConnect.addListener((port) => {
        const post = port.postMessage.bind(port);
        port.postMessage = (message) => {
          globalThis.told.push(JSON.stringify(message));
          post(message);
        };
      });
    });
    const begun = Date.now();
    const { trouble } = await readByHand(page);
    assert.match(trouble, /is not ByeCaptcha/);
    assert.ok(Date.now() - begun >= 2000, `${Date.now() - begun} ms`);
    assert.deepEqual(proxy.seen, ["POST /v1/jobs", "GET /v1/jobs/7", "GET /v1/jobs/7"]);
    const told = await browser.inWorker(() => globalThis.told);
    assert.ok(told.some((message) => message.includes("trouble")) && !told.some((message) => message.includes("bc_1_2")), String(told));
    const read = await browser.inWorker(async () => {
      const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
      const func = () => chrome.storage.local.get(null).then(JSON.stringify, () => "refused");
      const [{ result }] = await chrome.scripting.executeScript({ target: { tabId: tab.id }, func });
      return result;
    });
    assert.equal(read, "refused");
  });

  for (const [status, words] of [[503, /server is busy.*2 s/], [429, /key is used too often.*2 s/]]) {
    test(`${status}: asked again after the time that it gives`, async () => {
      await browser.settings({ server: proxy.url });
      await begin();
      let tries = 0;
      proxy.answer = (incoming, response) => {
        tries += 1;
        if (tries === 1) {
          response.writeHead(status, { "Retry-After": "2" });
          response.end();
          return true;
        }
        if (tries > 2) return false;
        // Taken, and not read for a while.
        response.writeHead(202, { "Content-Type": "application/json", "Retry-After": "1" });
        response.end(JSON.stringify({ id: "7", status: "queued" }));
        proxy.answer = (incoming, response) => {
          response.writeHead(200, { "Content-Type": "application/json" });
          response.end(JSON.stringify({ id: "7", status: "failed", error: { kind: "no-text", detail: "" } }));
          return true;
        };
        return true;
      };
      await mark();
      await browser.until(page, ({ reading }) => words.test(reading), "why it waits");
      await browser.until(page, ({ reading }) => reading === "Reading", "that it waits no more");
      await browser.until(page, ({ trouble }) => trouble, "the end");
    });
  }

  for (const [language, words] of [["en", /larger than the server takes/], ["zh", /^此区域超出服务器的限制/]]) {
    test(`refuses the picture: in words of the extension's own (${language})`, async () => {
      await browser.settings({ server: proxy.url, language });
      await begin();
      proxy.answer = (incoming, response) => {
        response.writeHead(422, { "Content-Type": "application/problem+json" });
        response.end(JSON.stringify({ type: "/problems/image-too-large", detail: "It has too many pixels." }));
        return true;
      };
      assert.match((await readByHand(page)).trouble, words);
    });
  }

  test("cannot read the picture, which came damaged: another try is another job", async () => {
    await browser.settings({ server: proxy.url, language: "zh" });
    await begin();
    const used = [];
    proxy.answer = ({ headers }, response) => {
      used.push(headers["idempotency-key"]);
      if (used.length > 1) return false;
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ id: "7", status: "failed", error: { kind: "image-damaged", detail: "It is damaged." } }));
      return true;
    };
    assert.equal((await readByHand(page)).trouble, "图片未完整到达服务器，请重试。");
    await browser.press(page, "重试");
    assert.equal((await browser.until(page, ({ text }) => text, "a text")).text, "17JU");
    assert.notEqual(used[0], used[1]);
  });

  test("says that the key is used too often", async () => {
    await browser.settings({ server: proxy.url });
    await begin();
    proxy.answer = (incoming, response) => {
      response.writeHead(429, { "Retry-After": "40", "Content-Type": "application/problem+json" });
      response.end(JSON.stringify({ type: "/problems/rate-limited" }));
      return true;
    };
    const { trouble } = await readByHand(page);
    assert.match(trouble, /used too often.*40 s/);
  });

  test("is down, then up: one button reads the same picture", async () => {
    const own = await Service.start();
    try {
      await browser.settings({ server: own.url });
      await begin();
      await own.stop();
      const { trouble, buttons } = await readByHand(page);
      assert.equal(trouble, `No server answers at ${own.url}. Is it running?`);
      assert.ok(buttons.some(({ words }) => words === "Settings"));
      await own.resume();
      // The captcha has changed since; what is read is what was marked.
      await page.evaluate(() => document.getElementById("captcha").remove());
      await browser.press(page, "Try again");
      assert.equal((await browser.until(page, ({ text }) => text, "a text")).text, "17JU");
      assert.equal(await clipboard(page), "17JU");
    } finally {
      await own.end();
    }
  });

  test("points elsewhere: the picture does not follow", async () => {
    await browser.settings({ server: proxy.url });
    await begin();
    proxy.answer = (incoming, response) => {
      response.writeHead(307, { Location: `${site.url}/v1/jobs` });
      response.end();
      return true;
    };
    const { trouble, buttons } = await readByHand(page);
    assert.equal(trouble, `${proxy.url} points to another address, as one that wants https does. Give that one.`);
    assert.ok(buttons.some(({ words }) => words === "Settings"));
  });

  test("is something else", async () => {
    await browser.settings({ server: site.url });
    await begin();
    const { trouble } = await readByHand(page);
    assert.equal(trouble, `What answers at ${site.url} is not ByeCaptcha.`);
  });

  test("asks for a key: none, a wrong one, one that may not submit, the right one", async () => {
    const own = await Service.start();
    try {
      const key = async (scopes) => {
        const { stdout } = await promisify(execFile)(PROGRAM, ["keys", "create", "--name", "test", "--scopes", scopes, "--data", own.data]);
        return stdout.trim().split("\n")[0];
      };
      const [right, reader] = [await key("submit,read"), await key("read")];
      const status = async () => (await fetch(`${own.url}/v1/models`)).status;
      while ((await status()) !== 401) await new Promise((over) => setTimeout(over, 100));
      await browser.settings({ server: own.url });
      await begin();
      assert.equal((await readByHand(page)).trouble, "The server asks for an API key.");
      for (const [wrong, words] of [["bc_000000000000_wrong", /does not take this API key/], [reader, /needs the scopes submit and read/]]) {
        await browser.settings({ server: own.url, key: wrong });
        assert.match((await readByHand(page)).trouble, words);
      }
      await browser.settings({ server: own.url, key: right });
      await assertReads(page, "17JU");
    } finally {
      await own.end();
    }
  });

  test("has no such model", async () => {
    await browser.settings({ server: service.url, model: "gone" });
    await begin();
    assert.match((await readByHand(page)).trouble, /no such model/);
  });
});

describe("the page", () => {
  test("may not be captured: said beside the icon", async () => {
    page = await browser.open("chrome://version");
    await browser.clickIcon(page);
    let words;
    for (let tries = 0; !words && tries < 200; tries += 1) {
      await new Promise((over) => setTimeout(over, 50));
      words = await browser.popup();
    }
    assert.match(words ?? "", /^This page may not be captured\./);
  });

  test("goes elsewhere: another click works there", async () => {
    await begin();
    await assertReads(page, "17JU");
    await page.goto(`${site.url}/image/Arsy`);
    await assertReads(page, "Arsy");
  });
});

test("without the permission for the server, the icon opens the first page", async () => {
  const own = await Browser.start({ allowed: false });
  try {
    const installed = own.context.pages().find((each) => each.url().endsWith("/welcome.html"));
    await installed?.close();
    const [tab] = own.context.pages();
    await tab.goto(`${site.url}/image/17JU`);
    const welcome = own.context.waitForEvent("page", (each) => each.url().endsWith("/welcome.html"));
    await own.clickIcon(tab);
    await (await welcome).getByRole("heading", { name: "Connect to it" }).waitFor();
  } finally {
    await own.end();
  }
});
