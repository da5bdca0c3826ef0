// Beside the icon, where the page itself cannot be spoken through.

import { translate } from "./document.js";

await translate();
