// Grounds that pages have behind a captcha, as CSS backgrounds.

import { Random } from "./random.js";

/** How often each is drawn: plain ones are the commonest, as on pages with a login. */
export const GROUNDS = {
  white: 33,
  grey: 18,
  colour: 10,
  dark: 8,
  linear: 8,
  radial: 4,
  stripes: 4,
  checks: 3,
  texture: 6,
  photograph: 6,
};

/** Side of the square that a texture repeats, in CSS pixels. */
const TILE = 128;

/** Everything that `paint` needs of a ground of that kind. */
export function ground(random, kind) {
  const grey = random.whole(225, 252);
  const dark = random.whole(8, 60);
  const loud = [random.colour(0, 255), random.colour(0, 255)];
  // Half of the patterned grounds are of two near colours, as designers like them.
  const near = loud[0].map((channel) => Math.max(0, Math.min(255, channel + random.whole(-40, 40))));
  const pair = random.chance(0.5) ? loud : [loud[0], near];
  const tinted = random.colour(0, 12).map((channel) => channel + dark);
  const pale = random.chance(0.5) ? random.colour(200, 250) : Array(3).fill(grey);
  const colours = {
    white: [[255, 255, 255]],
    grey: [Array(3).fill(grey)],
    colour: [random.chance(0.5) ? pale : loud[0]],
    dark: [tinted],
    texture: [random.chance(0.8) ? pale : tinted],
  }[kind] ?? pair;
  return { kind, colours, angle: random.whole(0, 359), period: random.whole(3, 24), seed: random.whole(1, 9999) };
}

export function css([red, green, blue], opacity = 1) {
  return opacity === 1 ? `rgb(${red},${green},${blue})` : `rgba(${red},${green},${blue},${opacity})`;
}

/** Whether text on these colours is light. */
export function isDark(colours) {
  const luma = colours.map(([red, green, blue]) => 0.299 * red + 0.587 * green + 0.114 * blue);
  return luma.reduce((sum, each) => sum + each, 0) / luma.length < 120;
}

/** The value of CSS `background`. */
export function paint({ kind, colours, angle, period, seed }) {
  const [first, second] = colours.map((colour) => css(colour));
  switch (kind) {
    case "linear":
      return `linear-gradient(${angle}deg, ${first}, ${second})`;
    case "radial":
      return `radial-gradient(circle at ${20 + (seed % 60)}% ${angle % 100}%, ${first}, ${second})`;
    case "stripes":
      return `repeating-linear-gradient(${angle}deg, ${first} 0 ${period}px, ${second} ${period}px ${2 * period}px)`;
    case "checks":
      return `repeating-conic-gradient(${first} 0 25%, ${second} 0 50%) 0 0 / ${2 * period}px ${2 * period}px`;
    case "texture":
      return `${noise(seed, 0.02 * period, 0.35)}, ${first}`;
    case "photograph":
      return photograph(colours, seed);
    default:
      return first;
  }
}

/** A seamless tile of turbulence. A tile, since Chromium computes it anew for every device pixel it is drawn at. */
function noise(seed, frequency, opacity) {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${TILE}" height="${TILE}"><filter id="f" x="0" y="0" width="1" ` +
    `height="1"><feTurbulence type="fractalNoise" baseFrequency="${frequency.toFixed(3)}" numOctaves="3" ` +
    `seed="${seed}" stitchTiles="stitch"/></filter>` +
    `<rect width="${TILE}" height="${TILE}" filter="url(#f)" opacity="${opacity}"/></svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

/** Grain over soft and sharp blobs over a slope of light: at the size of a captcha, what photographs look like. */
function photograph([above, below], seed) {
  const random = new Random(seed);
  const blobs = Array.from({ length: 14 }, () => {
    const colour = random.colour(0, 255).map((channel, index) => Math.round((channel + above[index]) / 2));
    const [across, down] = [random.whole(15, 110), random.whole(10, 70)];
    const edge = random.whole(5, 90);
    return (
      `radial-gradient(${across}px ${down}px at ${random.whole(0, 100)}% ${random.whole(0, 100)}%, ` +
      `${css(colour, 0.85)} ${edge}%, ${css(colour, 0)} 100%)`
    );
  });
  return [noise(seed, 0.6, 0.18), ...blobs, `linear-gradient(${css(above)}, ${css(below)})`].join(", ");
}
