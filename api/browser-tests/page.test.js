// What a person does with the page, done in a real browser against the real program.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { chromium } from "playwright-core";

import { Service } from "./service.js";

const FIXTURES = join(import.meta.dirname, "fixtures");
const pictures = (await readdir(FIXTURES)).sort().map((name) => join(FIXTURES, name));
const [first, second] = pictures;

let browser;
let service;
let context;
let page;
// What the page asked for, and what it got wrong.
let requests;
let faults;

before(async () => {
  service = await Service.start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

after(async () => {
  await browser?.close();
  await service?.end();
});

/** Opens the page anew; every test has a browser profile of its own. */
async function open(options = {}, url = service.url) {
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

function card(path) {
  return page.locator(".card", { has: page.locator(".name", { hasText: basename(path) }) });
}

/** The card's text once there is one; it must be what the API says of the same bytes. */
async function assertRead(path) {
  const expected = await service.read(await readFile(path));
  assert.notEqual(expected.text, "", `the program reads ${basename(path)}`);
  await card(path).locator(".text").waitFor();
  assert.equal(await card(path).locator(".text").textContent(), expected.text);
  return expected;
}

async function drop(files) {
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
async function tabTo(locator, key = "Tab") {
  for (let presses = 0; presses < 40; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${locator} cannot be reached with ${key}`);
}

describe("pictures go in", () => {
  test("one and several picked files", async () => {
    await page.setInputFiles("#picker", first);
    await assertRead(first);
    await page.setInputFiles("#picker", [second, pictures[2]]);
    await assertRead(second);
    await assertRead(pictures[2]);
    assert.equal(await page.locator(".card").count(), 3);
    assert.equal(await page.locator("#tally").textContent(), "3 of 3 read");
  });

  test("a photo from the camera's input", async () => {
    await page.setInputFiles("#camera", first);
    await assertRead(first);
  });

  test("dropped anywhere", async () => {
    const { highlighted, after } = await drop([
      { path: first, type: "image/jpeg" },
      { path: second, type: "" },
    ]);
    assert.ok(highlighted, "the page shows that it takes what is dragged");
    assert.ok(!after);
    await assertRead(first);
    await assertRead(second);
  });

  test("pasted with the keyboard", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    const base64 = (await readFile(first)).toString("base64");
    const png = await page.evaluate(async (base64) => {
      const image = new Image();
      image.src = `data:image/jpeg;base64,${base64}`;
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      canvas.getContext("2d").drawImage(image, 0, 0);
      const blob = await canvas.convertToBlob({ type: "image/png" });
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
      return Array.from(new Uint8Array(await blob.arrayBuffer()));
    }, base64);
    await page.keyboard.press("Control+V");
    const expected = await service.read(new Uint8Array(png), "image/png");
    await page.locator(".card .text").waitFor();
    assert.equal(await page.locator(".card .text").textContent(), expected.text);
    assert.equal(await page.locator(".card .name").textContent(), "Pasted picture");
  });

  test("pasted with the button, where the browser allows it", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(60, 30);
      canvas.getContext("2d").fillText("7", 20, 20);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": await canvas.convertToBlob() })]);
    });
    await page.getByRole("button", { name: "Paste", exact: true }).click();
    assert.equal(await page.locator(".card .name").textContent(), "Pasted picture");
    await page.locator(".card[data-state=done]").waitFor();

    await page.evaluate(() => (navigator.clipboard.read = () => Promise.reject(new Error("not allowed"))));
    await page.getByRole("button", { name: "Paste", exact: true }).click();
    await page.getByText("does not let this page read the clipboard").first().waitFor();
  });

  test("the empty space around the button opens the dialog too", async () => {
    const chooser = page.waitForEvent("filechooser");
    await page.locator("#drop").click({ position: { x: 20, y: 20 } });
    await (await chooser).setFiles(first);
    await assertRead(first);
  });

  test("a folder, with folders in it", async () => {
    const base64 = (await readFile(first)).toString("base64");
    // Scripts cannot make a dropped folder, so this is the part of one that the page uses.
    await page.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const file = (name) => ({
        name,
        isDirectory: false,
        file: (found) => found(new File([bytes], name, { type: "image/jpeg" })),
      });
      const folder = (name, ...entries) => ({
        name,
        isDirectory: true,
        createReader: () => {
          const parts = [entries, []];
          return { readEntries: (found) => found(parts.shift()) };
        },
      });
      const entry = folder("all", file("10.jpg"), file("9.jpg"), file(".hidden"), folder("deeper", file("11.jpg")));
      const items = [{ kind: "file", webkitGetAsEntry: () => entry }];
      const event = new Event("drop", { bubbles: true, cancelable: true });
      document.dispatchEvent(Object.assign(event, { dataTransfer: { items, files: [new File([], "all")] } }));
    }, base64);
    await page.getByText("3 of 3 read", { exact: true }).first().waitFor();
    assert.deepEqual(await page.locator(".card .name").allTextContents(), ["9.jpg", "10.jpg", "11.jpg"]);
  });

  test("text on the clipboard is refused in words", async () => {
    await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.evaluate(() => navigator.clipboard.writeText("no picture"));
    await page.keyboard.press("Control+V");
    await page.getByText("There is no picture on the clipboard.").first().waitFor();
    assert.equal(await page.locator(".card").count(), 0);
  });

  test("twenty at once, four under way at most", async () => {
    let underWay = 0;
    let most = 0;
    page.on("request", (request) => {
      if (request.method() !== "POST") return;
      underWay += 1;
      most = Math.max(most, underWay);
    });
    const over = (request) => {
      if (request.method() === "POST") underWay -= 1;
    };
    page.on("requestfinished", over);
    page.on("requestfailed", over);
    const bytes = await Promise.all(pictures.map((path) => readFile(path)));
    const files = Array.from({ length: 20 }, (_, index) => ({
      name: `picture ${String(index).padStart(2, "0")}.jpg`,
      mimeType: "image/jpeg",
      buffer: bytes[index % bytes.length],
    }));
    await page.setInputFiles("#picker", files);
    await page.getByText("20 of 20 read", { exact: true }).first().waitFor();
    assert.deepEqual(await page.locator(".card .name").allTextContents(), files.map(({ name }) => name));
    const expected = await Promise.all(bytes.map(async (bytes) => (await service.read(bytes)).text));
    const texts = await page.locator(".card .text").allTextContents();
    assert.deepEqual(texts, files.map((_, index) => expected[index % expected.length]));
    assert.ok(most > 1 && most <= 4, `${most} at once`);
  });
});

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
});
