// Chance that a seed repeats.

/** Draws from a seed of 32 bits, the same for the same seed in every version of Node (mulberry32). */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to 1. */
  number() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(least, most) {
    return least + this.number() * (most - least);
  }

  /** A whole number, both ends included. */
  whole(least, most) {
    return Math.floor(this.between(least, most + 1));
  }

  chance(probability) {
    return this.number() < probability;
  }

  one(list) {
    return list[this.whole(0, list.length - 1)];
  }

  /** A key of `weights`, as often as its whole number says. */
  weighted(weights) {
    const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
    let left = this.whole(1, sum);
    return Object.keys(weights).find((key) => (left -= weights[key]) <= 0);
  }

  /** A colour whose channels lie between the two, as [red, green, blue]. */
  colour(least, most) {
    return [this.whole(least, most), this.whole(least, most), this.whole(least, most)];
  }
}
