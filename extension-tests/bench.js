// Measures the extension as a person meets it: what reading loses on its way through a page and a drag, and how long it
// is from letting go of the mouse to the text on the clipboard. Not part of the tests.
//
//   node bench.js accuracy --pictures DIR [--count 300]      DIR holds files named TEXT_numN.jpg
//   node bench.js latency [--count 40] [--rounds 3]

import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";

import { Service } from "../api/browser-tests/service.js";
import { Random } from "../scripts/page_cuts/random.js";
import { Browser } from "./chromium.js";
import { Site, captchaBox } from "./site.js";

// Screens as they are sold, and the ways in which pages show a captcha.
const SCALES = [1, 1.25, 2, 3];
const KINDS = ["image", "canvas", "background", "frame", "scrolled"];
// What a hand leaves around a captcha, in CSS pixels.
const MARGIN = { least: 0, most: 8 };
// Chrome takes two captures a second.
const REST_MS = 600;

const { positionals: [what], values } = parseArgs({
  allowPositionals: true,
  options: {
    pictures: { type: "string" },
    count: { type: "string" },
    rounds: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
  },
});

async function main() {
  if (what === "accuracy" && values.pictures) return accuracy(values.pictures, Number(values.count ?? 300));
  if (what === "latency") return latency(Number(values.count ?? 40), Number(values.rounds));
  console.error("node bench.js accuracy --pictures DIR [--count N] | latency [--count N] [--rounds N]");
  process.exitCode = 2;
}

async function accuracy(folder, count) {
  const [service, site] = await Promise.all([Service.start(), Site.start(folder)]);
  const random = new Random(Number(values.seed));
  const all = [...site.pictures];
  // Evenly from all over the folder, since its names are in the order of their texts.
  const chosen = Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)]);
  const results = [];
  try {
    for (const [turn, scale] of SCALES.entries()) {
      const browser = await Browser.start({ scale });
      try {
        await browser.settings({ server: service.url });
        for (const [index, [label, path]] of chosen.entries()) {
          if (index % SCALES.length !== turn) continue;
          const direct = (await service.read(await readFile(path))).text;
          const kind = KINDS[Math.floor(index / SCALES.length) % KINDS.length];
          const { text } = await throughPage(browser, `${site.url}/${kind}/${label}`, random);
          results.push({ label, direct, text: text ?? "" });
          if (process.stderr.isTTY) process.stderr.write(`\r${results.length} of ${count}`);
        }
      } finally {
        await browser.end();
      }
    }
  } finally {
    await site.end();
    await service.end();
  }
  const share = (right) => `${results.filter(right).length} of ${results.length} (${((100 * results.filter(right).length) / results.length).toFixed(1)}%)`;
  console.log(`posted directly       ${share(({ label, direct }) => direct === label)}`);
  console.log(`through the extension ${share(({ label, text }) => text === label)}`);
  console.log(`ignoring case: ${share(({ label, direct }) => direct.toLowerCase() === label.toLowerCase())} directly, ` +
    `${share(({ label, text }) => text.toLowerCase() === label.toLowerCase())} through the extension`);
  console.log(`the same text both ways: ${share(({ direct, text }) => direct === text)}`);
}

async function throughPage(browser, url, random) {
  const page = await browser.open(url);
  const captcha = await captchaBox(page, 0);
  if (captcha.y > 600) await page.evaluate(() => document.getElementById("captcha").scrollIntoView({ block: "center" }));
  const { x, y, width, height } = await captchaBox(page, 0);
  const [left, top, right, bottom] = Array.from({ length: 4 }, () => random.between(MARGIN.least, MARGIN.most));
  await browser.clickIcon(page);
  await browser.until(page, ({ overlay }) => overlay, "the overlay");
  await browser.drag(page, { x: x - left, y: y - top, width: width + left + right, height: height + top + bottom });
  const shown = await browser.until(page, ({ text, trouble }) => text || trouble, "an end");
  await page.close();
  return shown;
}

async function latency(count, rounds) {
  const [service, site] = await Promise.all([Service.start(), Site.start()]);
  try {
    for (const scale of [1, 2]) {
      const browser = await Browser.start({ scale });
      try {
        await browser.settings({ server: service.url });
        for (let round = 0; round < rounds; round += 1) {
          const times = await timed(browser, site, count);
          times.sort((one, other) => one - other);
          const at = (share) => Math.round(times[Math.min(times.length - 1, Math.floor(share * times.length))]);
          console.log(`scale ${scale}, ${count} times: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms; load ${loadavg()[0].toFixed(1)}`);
        }
      } finally {
        await browser.end();
      }
    }
  } finally {
    await site.end();
    await service.end();
  }
}

/** Milliseconds from the mouse's release, as the page's own clock has it, to the answer that the text is copied. */
async function timed(browser, site, count) {
  await browser.inWorker(() => {
    globalThis.sendMessage ??= chrome.runtime.sendMessage.bind(chrome.runtime);
    chrome.runtime.sendMessage = async (message) => {
      const answer = await globalThis.sendMessage(message);
      if (message.to === "clipboard" && answer === true) globalThis.copiedAt = performance.timeOrigin + performance.now();
      return answer;
    };
  });
  const page = await browser.open(`${site.url}/image/17JU`);
  const box = await captchaBox(page);
  await page.evaluate(() => {
    addEventListener("pointerup", ({ timeStamp }) => (window.releasedAt = performance.timeOrigin + timeStamp), true);
  });
  const times = [];
  while (times.length < count) {
    await browser.inWorker(() => (globalThis.copiedAt = 0));
    await browser.clickIcon(page);
    await browser.until(page, ({ overlay }) => overlay, "the overlay");
    await browser.drag(page, box);
    await browser.until(page, ({ text }) => text === "17JU", "the text");
    times.push((await browser.inWorker(() => globalThis.copiedAt)) - (await page.evaluate(() => window.releasedAt)));
    await new Promise((over) => setTimeout(over, REST_MS));
  }
  await page.close();
  return times;
}

await main();
