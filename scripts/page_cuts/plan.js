// What is by chance in a page and in the cut out of it. A plan is all numbers and words, and is what the log holds.

import { parse } from "node:path";

import { GROUNDS, ground } from "./ground.js";
import { Random } from "./random.js";

/** The zooms of Chromium's menu from 50 to 200%, which calls two thirds 67%, and device scales of common screens. */
export const ZOOMS = [0.5, 2 / 3, 0.75, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2];
export const DEVICE_SCALES = [1, 1.25, 1.5, 2, 3];
/** What a hand leaves on each side, as a share of the picture's width or height; below zero it cuts into it. */
export const MARGIN = { least: -0.04, most: 0.3 };
export const QUALITY = { least: 60, most: 95 };
export const ELEMENTS = { img: 70, background: 15, canvas: 15 };
export const LAYOUTS = { alone: 45, stacked: 30, row: 25 };
export const FORMATS = { png: 50, jpeg: 35, webp: 15 };

/** The plans of a set: each is the same for the same seed, however many follow. */
export function plans(count, seed) {
  const random = new Random(seed);
  return Array.from({ length: count }, () => plan(new Random(random.whole(0, 2 ** 32 - 1))));
}

/** Lengths are CSS pixels, colours [red, green, blue]; zoom and device scale are factors. */
function plan(random) {
  const format = random.weighted(FORMATS);
  const margin = () => random.between(MARGIN.least, MARGIN.most);
  return {
    zoom: random.one(ZOOMS),
    deviceScale: random.one(DEVICE_SCALES),
    margins: { left: margin(), right: margin(), top: margin(), bottom: margin() },
    format,
    quality: format === "png" ? null : random.whole(QUALITY.least, QUALITY.most),
    element: random.weighted(ELEMENTS),
    ground: ground(random, random.weighted(GROUNDS)),
    layout: layout(random),
    frame: frame(random),
    // Fractions, as centred and fluid pages have them: Chromium then begins the picture at the nearest whole pixel of the page.
    offset: { left: random.between(8, 40), top: random.between(8, 40) },
    scroll: random.chance(0.4) ? random.between(1, 300) : 0,
  };
}

/** What stands around the picture, and how near. */
function layout(random) {
  const kind = random.weighted(LAYOUTS);
  const card = random.chance(kind === "alone" ? 0.1 : 0.4);
  return {
    kind,
    gap: random.between(0, 12),
    text: random.whole(0, 5),
    font: random.one(["sans-serif", "sans-serif", "serif", "monospace"]),
    fontSize: random.whole(11, 16),
    accent: random.colour(20, 200),
    card: card ? { padding: random.between(3, 24), dark: random.chance(0.15), radius: random.one([0, 4, 8]) } : null,
  };
}

/** What the picture itself wears; most wear nothing. */
function frame(random) {
  const bordered = random.chance(0.3);
  return {
    border: bordered ? random.whole(1, 2) : 0,
    colour: random.chance(0.6) ? Array(3).fill(random.whole(100, 210)) : random.colour(0, 255),
    padding: bordered && random.chance(0.25) ? random.whole(1, 5) : 0,
    radius: random.chance(0.15) ? random.whole(2, 8) : 0,
    shadow: random.chance(0.1) ? random.whole(3, 10) : 0,
  };
}

/** What the cut of a picture is called: its label stays. */
export function fileName(picture, { format }) {
  return `${parse(picture).name}.${format === "jpeg" ? "jpg" : format}`;
}
