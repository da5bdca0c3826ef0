// Cuts made by the program, held against the pictures that they were made of.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import { after, before, test } from "node:test";

import { launch } from "./cut.js";

const FIXTURES = join(import.meta.dirname, "../../trainer/tests/fixtures/var456");
const [WIDTH, HEIGHT] = [128, 48];
const COUNT = 30;
/** Kinds of files by what they begin with. */
const MAGIC = { png: /^\x89PNG/, jpeg: /^\xff\xd8\xff/, webp: /^RIFF....WEBP/s };

const folder = await mkdtemp(join(tmpdir(), "page-cuts-"));
const out = join(folder, "cuts");
after(() => rm(folder, { recursive: true }));

/** Runs the program: its exit status and what it says. */
function run(options, environment = {}) {
  const env = { ...process.env, ...environment };
  return new Promise((ended) => {
    execFile(process.execPath, [join(import.meta.dirname, "main.js"), ...options], { env }, (error, stdout, stderr) =>
      ended({ status: error?.code ?? 0, stdout, stderr }),
    );
  });
}

async function readLog(path) {
  return (await readFile(`${path}.jsonl`, "utf8")).trimEnd().split("\n").map((line) => JSON.parse(line));
}

let log;
before(async () => {
  const made = await run(["--pictures", FIXTURES, "--out", out, "--count", String(COUNT), "--seed", "5"]);
  assert.deepEqual({ ...made, stdout: "" }, { status: 0, stdout: "", stderr: "" });
  log = await readLog(out);
});

test("every picture has one cut under its label, of the kind that the log says", async () => {
  assert.equal(log.length, COUNT);
  assert.deepEqual((await readdir(out)).sort(), log.map((line) => line.file).sort());
  const labels = new Set((await readdir(FIXTURES)).map((name) => parse(name).name));
  for (const { file, format } of log) {
    assert.ok(labels.has(parse(file).name), file);
    assert.match((await readFile(join(out, file))).toString("latin1", 0, 16), MAGIC[format], file);
  }
});

test("cuts are of the picture's size on the screen and its margins", () => {
  for (const { file, zoom, deviceScale, margins, size } of log) {
    const expected = [
      WIDTH * zoom * deviceScale * (1 + margins.left + margins.right),
      HEIGHT * zoom * deviceScale * (1 + margins.top + margins.bottom),
    ];
    expected.forEach((length, side) => assert.ok(Math.abs(size[side] - length) <= 2, `${file}: ${size}, ${expected}`));
  }
});

test("the picture is where the margins say", async (t) => {
  const browser = await launch();
  // In any case: a browser left open keeps a failed test from ending.
  t.after(() => browser.close());
  const page = await browser.newPage();
  for (const { file, format, margins, size } of log) {
    const found = await page.evaluate(findShift, {
      cut: `data:image/${format};base64,${await readFile(join(out, file), "base64")}`,
      picture: `data:image/jpeg;base64,${await readFile(join(FIXTURES, `${parse(file).name}.jpg`), "base64")}`,
      margins,
    });
    assert.deepEqual(found.size, size, file);
    assert.ok(Math.abs(found.across) <= 1 && Math.abs(found.down) <= 1, `${file}: ${JSON.stringify(found)}`);
    assert.ok(found.difference < 25, `${file}: ${JSON.stringify(found)}`);
  }
});

/** In the page: by how many of the picture's pixels the cut is off, and how much the two differ then, of 255. */
async function findShift({ cut, picture, margins }) {
  const read = async (source) => createImageBitmap(await (await fetch(source)).blob());
  const [shown, original] = [await read(cut), await read(picture)];
  const { width, height } = original;
  const pixels = (draw) => {
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.imageSmoothingQuality = "high";
    draw(context);
    return context.getImageData(0, 0, width, height).data;
  };
  const wanted = pixels((context) => context.drawImage(original, 0, 0));
  const got = pixels((context) => {
    const [across, down] = [1 + margins.left + margins.right, 1 + margins.top + margins.bottom];
    context.drawImage(shown, -margins.left * width, -margins.top * height, across * width, down * height);
  });
  let best = { difference: Infinity };
  for (let down = -4; down <= 4; down += 1) {
    for (let across = -4; across <= 4; across += 1) {
      let sum = 0;
      let count = 0;
      // The outer pixels may be cut off, framed or rounded.
      for (let y = 8; y < height - 8; y += 1) {
        for (let x = 10; x < width - 10; x += 1) {
          const [from, to] = [4 * (y * width + x), 4 * ((y + down) * width + x + across)];
          for (let channel = 0; channel < 3; channel += 1) sum += Math.abs(wanted[from + channel] - got[to + channel]);
          count += 3;
        }
      }
      if (sum / count < best.difference) best = { difference: sum / count, across, down };
    }
  }
  return { ...best, size: [shown.width, shown.height] };
}

test("the same seed makes the same log; what is overwritten leaves no cut of another format", async () => {
  const again = join(folder, "again");
  const options = ["--pictures", FIXTURES, "--out", again, "--count", String(COUNT)];
  assert.equal((await run([...options, "--seed", "6"])).status, 0);
  const other = await readLog(again);
  assert.notDeepEqual(other, log);
  assert.equal((await run([...options, "--seed", "5", "--overwrite"])).status, 0);
  assert.deepEqual(await readLog(again), log);
  assert.deepEqual((await readdir(again)).sort(), log.map((line) => line.file).sort());
});

test("what cannot be done is said in one sentence", async () => {
  const pictures = join(folder, "pictures");
  const empty = join(folder, "empty");
  await Promise.all([pictures, empty].map((path) => mkdir(path)));
  const [first] = await readdir(FIXTURES);
  await copyFile(join(FIXTURES, first), join(pictures, first));
  const next = join(folder, "next");
  const says = async (options, sentence, environment) => {
    const { status, stdout, stderr } = await run(options, environment);
    assert.equal(status, 1, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, sentence);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  };
  const of = (source, ...rest) => ["--pictures", source, "--out", next, ...rest];
  await says([], /^--pictures and --out are needed$/m);
  await says(of(join(folder, "none")), /none cannot be read as a folder \(ENOENT\)/);
  await says(of(empty), /empty holds no pictures/);
  await says(of(pictures, "--count", "2"), /holds 1 pictures, fewer than --count 2/);
  await says(of(pictures, "--count", "some"), /--count is a whole number from 1, not some/);
  await says(["--pictures", pictures, "--out", out], /cuts is not empty; --overwrite/);
  await says(of(pictures), /no Chromium at \/none\/chromium/, { CHROMIUM: "/none/chromium" });
  await says(of(pictures, "--overwrite"), /does not start/, { CHROMIUM: "/bin/false" });
  await copyFile(join(FIXTURES, first), join(pictures, "noted.jpg"));
  await says(of(pictures), /noted\.jpg is not named TEXT_numN\.jpg or the like/);
  await rm(join(pictures, "noted.jpg"));
  await writeFile(join(pictures, `${parse(first).name}.png`), "no picture");
  await says(of(pictures), /twice, and its cuts would replace each other/);
  await rm(join(pictures, first));
  await says(of(pictures), /is no picture that Chromium can read/);
});
