// Styles: the one style sheet of all elements.
//
// A page changes it by custom properties (`--tidings-…`) and parts (`::part(…)`).

import { ADAPTATIONS } from "./adaptations.js";
import { BASE } from "./base.js";
import { BELL } from "./bell.js";
import { INBOX } from "./inbox.js";
import { OVERLAYS } from "./overlays.js";
import { PREFERENCES } from "./preferences.js";
import { ROW } from "./row.js";
import { TOASTS } from "./toasts.js";

/** In this order: later rules win. */
const CSS = [BASE, BELL, INBOX, ROW, OVERLAYS, TOASTS, PREFERENCES, ADAPTATIONS].join("");

/** @type {CSSStyleSheet | null} */
let sheet = null;

/** Return the style sheet, made once and shared by all elements. */
export function elementStyles() {
    if (!sheet) {
        sheet = new CSSStyleSheet();
        sheet.replaceSync(CSS);
    }
    return sheet;
}
