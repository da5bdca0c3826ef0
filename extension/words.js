// The words of the chosen language, and how values get into them.

import chinese from "./chinese.js";
import english from "./english.js";

/** All words of a language: "en", "zh", or "auto" for the browser's. */
export function wordsFor(language) {
  const chosen = language === "auto" ? chrome.i18n.getUILanguage() : language;
  return chosen.startsWith("zh") ? chinese : english;
}

/** The sentence with its places taken by values. */
export function say(sentence, values = {}) {
  return sentence.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place)).trim();
}
