// Log panel: the last entries of the log, and a wire to each person that lights up on delivery.

import { displayName, durationText } from "./phrases.js";

/** @import {LoggedEvent} from "./demo-api.js" */

const LINES_LIMIT = 5;
const PULSE_MILLISECONDS = 900;
const PREFERS_REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");
/** @type {Keyframe[]} */
const RUN_ALONG = [
    { insetInlineStart: "0%", opacity: 1 },
    { insetInlineStart: "100%", opacity: 1, offset: 0.7 },
    { insetInlineStart: "100%", opacity: 0 },
];
/** @type {Keyframe[]} */
const FADE = [{ opacity: 1 }, { opacity: 0 }];

export class LogPanel {
    #element;
    #startedAt = 0;
    /** How many events of the story have been shown: the log itself has those of others, too. */
    #count = 0;

    /** @param {HTMLElement} element */
    constructor(element) {
        this.#element = element;
    }

    /** Start to measure how long deliveries take. */
    startClock() {
        this.#startedAt = performance.now();
        this.#clearDurations();
    }

    /** @param {LoggedEvent[]} events */
    appendEvents(events) {
        const list = this.#list;
        for (const event of events) {
            this.#count += 1;
            list.append(createLine(event, this.#count));
        }
        while (list.children.length > LINES_LIMIT) list.firstElementChild?.remove();
    }

    /** @param {number} count how many events of the story were shown before */
    clear(count) {
        this.#count = count;
        this.#list.replaceChildren();
        this.#clearDurations();
    }

    /** Show a delivery to the person on a side. @param {string} side */
    showDelivery(side) {
        const wire = this.#wire(side);
        const pulse = /** @type {HTMLElement} */ (wire.querySelector("i"));
        const output = /** @type {HTMLElement} */ (wire.querySelector("output"));
        output.textContent ||= durationText(performance.now() - this.#startedAt);
        for (const animation of pulse.getAnimations()) animation.cancel();
        pulse.animate(PREFERS_REDUCED_MOTION.matches ? FADE : RUN_ALONG, PULSE_MILLISECONDS);
    }

    /** Show a wire whole or cut. @param {string} side @param {boolean} isCut */
    setCut(side, isCut) {
        this.#wire(side).dataset.cut = String(isCut);
    }

    get #list() {
        return /** @type {HTMLElement} */ (this.#element.querySelector("ol"));
    }

    /** @param {string} side */
    #wire(side) {
        const wire = this.#element.querySelector(`.wire[data-side="${side}"]`);
        return /** @type {HTMLElement} */ (wire);
    }

    #clearDurations() {
        for (const output of this.#element.querySelectorAll("output")) output.textContent = "";
    }
}

/** @param {LoggedEvent} event @param {number} place among the story's events */
function createLine({ type, actor }, place) {
    const item = document.createElement("li");
    const [number, name, author] = ["b", "code", "span"].map((tag) => document.createElement(tag));
    number.textContent = `#${place}`;
    name.textContent = type;
    author.textContent = actor ? displayName(actor) : "";
    item.append(number, name, author);
    return item;
}
