// What ships: its permissions, its words, its ZIP.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { Browser, EXTENSION } from "./chromium.js";

const run = promisify(execFile);
const file = (name) => readFile(join(EXTENSION, name), "utf8");

describe("the manifest", async () => {
  const manifest = JSON.parse(await file("manifest.json"));

  test("asks for what is used and for no site at all", async () => {
    const scripts = (await readdir(EXTENSION)).filter((name) => name.endsWith(".js"));
    const source = (await Promise.all(scripts.map(file))).join("\n");
    const uses = { scripting: "chrome.scripting.", storage: "chrome.storage.", offscreen: "chrome.offscreen.", contextMenus: "chrome.contextMenus.", clipboardWrite: 'execCommand("copy")', activeTab: "captureVisibleTab" };
    assert.deepEqual([...manifest.permissions].sort(), Object.keys(uses).sort());
    for (const [permission, use] of Object.entries(uses)) assert.ok(source.includes(use), permission);
    assert.equal(manifest.host_permissions, undefined);
    assert.equal(manifest.content_scripts, undefined);
    assert.equal(manifest.content_security_policy, undefined, "the browser's own is the strictest");
  });

  test("has icons of the sizes that it says", async () => {
    for (const [size, name] of Object.entries({ ...manifest.icons, ...manifest.action.default_icon })) {
      const bytes = await readFile(join(EXTENSION, name));
      assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [Number(size), Number(size)], name);
    }
    assert.deepEqual(Object.keys(manifest.icons), ["16", "32", "48", "128"]);
  });

  test("speaks the languages of the extension, within the store's limits", async () => {
    const named = [...JSON.stringify(manifest).matchAll(/__MSG_(\w+)__/g)].map(([, name]) => name).sort();
    assert.deepEqual(named, ["description", "name", "title"]);
    assert.equal(manifest.default_locale, "en");
    const languages = (await readdir(join(EXTENSION, "_locales"))).sort();
    assert.deepEqual(languages, ["en", "zh_CN", "zh_TW"]);
    for (const language of languages) {
      const messages = JSON.parse(await file(`_locales/${language}/messages.json`));
      assert.deepEqual(Object.keys(messages).sort(), named, language);
      const { name, description, title } = messages;
      assert.equal(name.message, "ByeCaptcha");
      assert.ok(description.message.length <= 132, `${description.message.length} characters`);
      assert.equal(/\p{Script=Han}/u.test(description.message + title.message), language.startsWith("zh"), language);
    }
    assert.match(manifest.version, /^\d+(\.\d+){1,3}$/);
  });

  test("has its name and description in the browser", async () => {
    const browser = await Browser.start({ allowed: false });
    try {
      const { name, description, action } = await browser.inWorker(() => chrome.runtime.getManifest());
      assert.deepEqual([name, action.default_title], ["ByeCaptcha", "Read a captcha"]);
      assert.match(description, /^Drag over a text captcha;/);
    } finally {
      await browser.end();
    }
  });
});

test("both languages have all words, with the same places for values", async () => {
  const [english, chinese] = await Promise.all(
    ["english.js", "chinese.js"].map(async (name) => (await import(join(EXTENSION, name))).default),
  );
  assert.deepEqual(Object.keys(chinese), Object.keys(english));
  const places = (words) => [...String(words).matchAll(/\{\w+\}/g)].map(([place]) => place).sort();
  for (const key of Object.keys(english)) {
    assert.deepEqual(places(chinese[key]), places(english[key]), key);
    assert.equal(chinese[key].constructor, english[key].constructor, key);
  }
  const scripts = (await readdir(EXTENSION)).filter((name) => /\.(js|html)$/.test(name) && !/^(english|chinese)/.test(name));
  const source = (await Promise.all(scripts.map(file))).join("\n");
  for (const key of Object.keys(english)) assert.ok(new RegExp(`\\b${key}\\b`).test(source), `${key} is said somewhere`);
});

describe("the ZIP", () => {
  let folder;
  before(async () => (folder = await mkdtemp(join(tmpdir(), "byecaptcha-pack-"))));
  after(() => rm(folder, { recursive: true }));

  test("holds what ships, flat but for the browser's own folder, and the same bytes each time", async () => {
    const pack = join(EXTENSION, "../scripts/pack_extension.py");
    const [one, other] = [join(folder, "one.zip"), join(folder, "other.zip")];
    await run("python3", [pack, one]);
    await run("python3", [pack, other]);
    assert.deepEqual(await readFile(one), await readFile(other));
    const { stdout } = await run("python3", ["-m", "zipfile", "-l", one]);
    const names = stdout.trim().split("\n").slice(1).map((line) => line.split(/\s/)[0]);
    const entries = await readdir(EXTENSION, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => relative(EXTENSION, join(parentPath, name)));
    assert.deepEqual(names.sort(), files.filter((name) => name !== "README.md").sort());
    assert.ok(names.includes("manifest.json") && names.includes("_locales/zh_CN/messages.json"));
    assert.ok(names.every((name) => !name.includes("/") || /^_locales\/\w+\/messages\.json$/.test(name)));
  });
});
