// Beside the icon, where the page itself cannot be spoken through. The address says which words are for it.

import { translate } from "./document.js";

if (location.search === "?noPage") document.querySelector("span").dataset.words = "noPage";
await translate();
