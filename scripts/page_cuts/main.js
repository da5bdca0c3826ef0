// The extension task: what reading loses when a picture comes by screenshot instead of as the file itself. Makes its
// labelled set: captchas shown in Chromium pages at zooms of 50 to 200% and device scales of 1 to 3 on all kinds of
// ground, cut out as by hand with margins of -4 to +30%, and encoded again.
//
//   node scripts/page_cuts/main.js --pictures DIR --out DIR [--count N] [--seed N] [--overwrite]
//
// --pictures holds files named TEXT_numN.jpg or the like. --out gets one cut of each of `count` of them (all, unless
// told) under the same stem, and the file OUT.jsonl beside it says what each was made of: beside, since a folder of
// labelled pictures holds nothing else. The same pictures and seed give the same parameters.

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { parseArgs } from "node:util";

import { cutAll } from "./cut.js";
import { fileName, plans } from "./plan.js";

const LABELLED = /._num\d+\.(jpe?g|png|gif|webp|bmp)$/i;

function settings() {
  const { values } = parseArgs({
    options: {
      pictures: { type: "string" },
      out: { type: "string" },
      count: { type: "string" },
      seed: { type: "string", default: "1" },
      overwrite: { type: "boolean", default: false },
    },
  });
  if (!values.pictures || !values.out) throw new Error("--pictures and --out are needed");
  const whole = (name, least) => {
    const number = Number(values[name]);
    if (values[name].trim() === "" || !Number.isSafeInteger(number) || number < least) {
      throw new Error(`--${name} is a whole number from ${least}, not ${values[name]}`);
    }
    return number;
  };
  return {
    pictures: values.pictures,
    out: values.out.replace(/(?<=.)\/+$/, ""),
    count: values.count === undefined ? undefined : whole("count", 1),
    seed: whole("seed", 0),
    overwrite: values.overwrite,
  };
}

/** The names in a folder in code-unit order; a sentence where it cannot be listed. */
async function list(folder) {
  return (await readdir(folder).catch((error) => {
    throw new Error(`${folder} cannot be read as a folder (${error.code})`);
  })).sort();
}

/** `count` labelled pictures, evenly from all over the folder: names begin with the text, so its first pictures would
 * all begin with the same characters. */
async function choose(folder, count) {
  const names = await list(folder);
  if (names.length === 0) throw new Error(`${folder} holds no pictures`);
  const wrong = names.find((name) => !LABELLED.test(name));
  if (wrong) throw new Error(`${join(folder, wrong)} is not named TEXT_numN.jpg or the like`);
  const stems = names.map((name) => parse(name).name);
  const twice = stems.find((stem, index) => stems.indexOf(stem) !== index);
  if (twice) throw new Error(`${folder} holds ${twice} twice, and its cuts would replace each other`);
  const wanted = count ?? names.length;
  if (wanted > names.length) throw new Error(`${folder} holds ${names.length} pictures, fewer than --count ${wanted}`);
  return Array.from({ length: wanted }, (_, index) => join(folder, names[Math.floor((index * names.length) / wanted)]));
}

/** Makes the folder if need be; cuts of an earlier run in its way are removed, since they may be of another format. */
async function clear(out, pictures, overwrite) {
  await mkdir(out, { recursive: true }).catch((error) => {
    throw new Error(`${out} cannot be made a folder (${error.code})`);
  });
  const there = await list(out);
  if (there.length > 0 && !overwrite) {
    throw new Error(`${out} is not empty; --overwrite writes into it nevertheless`);
  }
  // Gone before the first cut is, so that no log is ever beside cuts that it does not describe.
  await rm(`${out}.jsonl`, { force: true });
  const stems = new Set(pictures.map((picture) => parse(picture).name));
  await Promise.all(there.filter((name) => stems.has(parse(name).name)).map((name) => rm(join(out, name))));
}

async function main() {
  const { pictures: folder, out, count, seed, overwrite } = settings();
  const pictures = await choose(folder, count);
  await clear(out, pictures, overwrite);
  const started = performance.now();
  const work = plans(pictures.length, seed).map((plan, index) => ({ picture: pictures[index], plan }));
  let done = 0;
  const log = await cutAll(work, async ({ picture, plan }, { bytes, size }) => {
    const file = fileName(picture, plan);
    await writeFile(join(out, file), bytes);
    done += 1;
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${work.length} cuts`);
    return { file, ...plan, size };
  });
  if (process.stderr.isTTY) process.stderr.write("\n");
  await writeFile(`${out}.jsonl`, log.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const seconds = (performance.now() - started) / 1000;
  console.log(`${log.length} cuts in ${out} in ${seconds.toFixed(1)} s, ${(log.length / seconds).toFixed(1)} a second`);
}

try {
  await main();
} catch (error) {
  console.error(error.message.split("\n")[0]);
  process.exitCode = 1;
}
