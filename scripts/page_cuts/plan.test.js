// Plans cover all of the extension task, and a seed repeats them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { GROUNDS } from "./ground.js";
import { DEVICE_SCALES, ELEMENTS, FORMATS, LAYOUTS, MARGIN, QUALITY, ZOOMS, fileName, plans } from "./plan.js";

const COUNT = 4000;
const drawn = plans(COUNT, 1);

/** Asserts that the values are the keys, each as often as its weight says, within five standard deviations. */
function assertWeighted(values, weights) {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  assert.deepEqual([...new Set(values)].sort(), Object.keys(weights).sort());
  for (const [key, weight] of Object.entries(weights)) {
    const share = weight / total;
    const deviation = Math.sqrt(COUNT * share * (1 - share));
    const times = values.filter((value) => value === key).length;
    assert.ok(Math.abs(times - COUNT * share) < 5 * deviation, `${key}: ${times} of ${COUNT}`);
  }
}

test("a seed repeats its plans, however many follow, and another seed makes others", () => {
  assert.deepEqual(plans(COUNT, 1), drawn);
  assert.deepEqual(plans(10, 1), drawn.slice(0, 10));
  assert.notDeepEqual(plans(10, 2), drawn.slice(0, 10));
});

test("every choice comes up as often as it should", () => {
  assertWeighted(drawn.map((plan) => plan.format), FORMATS);
  assertWeighted(drawn.map((plan) => plan.element), ELEMENTS);
  assertWeighted(drawn.map((plan) => plan.layout.kind), LAYOUTS);
  assertWeighted(drawn.map((plan) => plan.ground.kind), GROUNDS);
  const even = (values) => Object.fromEntries(values.map((value) => [String(value), 1]));
  assertWeighted(drawn.map((plan) => String(plan.zoom)), even(ZOOMS));
  assertWeighted(drawn.map((plan) => String(plan.deviceScale)), even(DEVICE_SCALES));
  assert.equal(Math.max(...Object.values(GROUNDS)), GROUNDS.white);
});

test("each margin fills its range, apart from the others", () => {
  for (const side of ["left", "right", "top", "bottom"]) {
    const margins = drawn.map((plan) => plan.margins[side]).sort((a, b) => a - b);
    assert.ok(margins[0] >= MARGIN.least && margins.at(-1) <= MARGIN.most, side);
    // Uniform: each tenth of the range holds about a tenth.
    for (let tenth = 1; tenth < 10; tenth += 1) {
      const expected = MARGIN.least + ((MARGIN.most - MARGIN.least) * tenth) / 10;
      assert.ok(Math.abs(margins[(COUNT * tenth) / 10] - expected) < 0.015, `${side}, tenth ${tenth}`);
    }
  }
  const same = drawn.filter(({ margins }) => new Set(Object.values(margins)).size < 4);
  assert.equal(same.length, 0);
});

test("what loses quality says how much, what does not says nothing", () => {
  const qualities = drawn.filter((plan) => plan.format !== "png").map((plan) => plan.quality);
  assert.deepEqual([Math.min(...qualities), Math.max(...qualities)], [QUALITY.least, QUALITY.most]);
  assert.ok(drawn.every((plan) => plan.format !== "png" || plan.quality === null));
});

test("positions are fractions of pixels, and pages are scrolled and not", () => {
  assert.ok(drawn.every(({ offset }) => !Number.isInteger(offset.left) && !Number.isInteger(offset.top)));
  const scrolled = drawn.filter((plan) => plan.scroll > 0).length;
  assert.ok(scrolled > COUNT / 4 && scrolled < COUNT / 2, `${scrolled} scrolled`);
});

test("a cut keeps its picture's label", () => {
  assert.equal(fileName("/a.b/x7Kp_num12.png", { format: "jpeg" }), "x7Kp_num12.jpg");
  assert.equal(fileName("x7Kp_num12.jpg", { format: "webp" }), "x7Kp_num12.webp");
});
