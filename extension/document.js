// What the extension's own pages share: their words, and the lines that say how something went.

import { load } from "./settings.js";
import { troubleFrom } from "./trouble.js";
import { say, wordsFor } from "./words.js";

/** Puts the words of the chosen language into every element that names one; gives them all. */
export async function translate(values = {}) {
  const { language } = await load();
  const words = wordsFor(language);
  document.documentElement.lang = words.lang;
  for (const element of document.querySelectorAll("[data-words]")) {
    element.textContent = say(words[element.dataset.words], values);
  }
  return words;
}

/** A line for success or failure; screen readers read it out. */
export function report(element, sentence, { wrong = false } = {}) {
  element.textContent = sentence;
  element.classList.toggle("wrong", wrong);
  element.hidden = false;
}

/** Runs what a button is for, with the button out of use meanwhile, and says what went wrong. */
export async function attempt(button, line, words, work) {
  button.disabled = true;
  report(line, words.connecting);
  try {
    await work();
  } catch (error) {
    const { kind, values } = troubleFrom(error);
    report(line, say(words[kind], values), { wrong: true });
  } finally {
    button.disabled = false;
  }
}

/** The keys that do the same as a click on the icon, as the person has set them; nothing where there are none. */
export async function shortcut() {
  const commands = await chrome.commands.getAll();
  return commands.find(({ name }) => name === "_execute_action")?.shortcut || undefined;
}
