// What the page says: refusals in plain words, shares in percent, characters by name.

// What the service takes, as it wrote it into the page. Checked before sending: a file this large is not worth the wait.
export const MOST_BYTES = Number(document.body.dataset.maxUploadBytes) || 10 * 2 ** 20;

const FORMATS = "PNG, JPEG, GIF, WebP and BMP are.";

// By the last part of a problem's type, or by the kind of a job's error.
const REFUSALS = {
  "body-too-large": `This file is too large. Pictures of up to ${size(MOST_BYTES)} can be read.`,
  "image-too-large": "This picture has too many pixels to be read. Cut out the part with the text and try that.",
  "unsupported-image": `This file is not a picture that can be read. ${FORMATS}`,
  "unsupported-media-type": `This file is not a picture that can be read. ${FORMATS}`,
  "empty-image": "This file is empty.",
  "image-too-small": "This picture has too few pixels to hold text.",
  "image-truncated": "This picture is incomplete: its file ends too early.",
  "image-damaged": "This picture is damaged and cannot be opened.",
};

/** Why a picture is refused, or nothing where the kind is not one that is to be expected. */
export function refusal(kind) {
  return Object.hasOwn(REFUSALS, kind) ? REFUSALS[kind] : undefined;
}

/** What is wrong with an API key: the answer's status, and the key that was sent, if any. */
export function refusedKey(status, key) {
  if (status === 403) return "This API key may not do that. It needs the scopes submit and read.";
  return key ? "The service does not take this API key. It may have been revoked." : "The service asks for an API key.";
}

/** A number of bytes, rounded down: 10485760 is "10 MB", as file managers that count in 1024 have it. */
export function size(bytes) {
  return bytes < 2 ** 20 ? `${Math.floor(bytes / 2 ** 10)} kB` : `${Math.floor(bytes / 2 ** 20)} MB`;
}

/** In whole percent, rounded down: nothing short of certain is called 100%. */
export function percent(confidence) {
  const value = Math.floor(confidence * 100 + 1e-9);
  return value < 1 ? "under 1%" : `${value}%`;
}

/** A character so that it is told from those that look like it: "capital I", "small l", "digit 1". */
export function nameOf(character) {
  if (/^[A-Z]$/.test(character)) return `capital ${character}`;
  if (/^[a-z]$/.test(character)) return `small ${character}`;
  if (/^[0-9]$/.test(character)) return `digit ${character}`;
  return character === " " ? "space" : character;
}
