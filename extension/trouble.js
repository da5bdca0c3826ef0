// What can go wrong, by the name that its words have in every language.

/** `kind` is a key of the words; `values` go into them; `retryable` where the same picture may be read another time. */
export class Trouble extends Error {
  constructor(kind, { values = {}, retryable = false, settings = false } = {}) {
    super(kind);
    this.kind = kind;
    this.values = values;
    this.retryable = retryable;
    this.settings = settings;
  }
}

/** Any error as one that has words. */
export function troubleFrom(error) {
  if (error instanceof Trouble) return error;
  console.error(error);
  return new Trouble("wrong", { retryable: true });
}
