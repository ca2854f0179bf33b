// Pause section: do not disturb for a while.

import { createNode, setText } from "../dom.js";
import { dateAndTime, morningAfter } from "../format.js";
import { pauseChange } from "./changes.js";
import { clockText } from "./choices.js";
import { createButton, createSection } from "./section.js";

/** @import {Preferences} from "./preferences.js" */
/** @import {SettingsState} from "./settings-types.js" */

const HOUR_MILLISECONDS = 3_600_000;
const MORNING = "08:00";

export class PauseSection {
    #host;
    #text = createNode("p");
    #choices;
    #end;
    element;

    /** @param {Preferences} host */
    constructor(host) {
        this.#host = host;
        const hour = () => this.#pause(new Date(host.now + HOUR_MILLISECONDS));
        const tomorrow = () => this.#pause(morningAfter(host.now, 1));
        const time = clockText(host.messages, MORNING);
        this.#choices = createNode(
            "div",
            { class: "buttons" },
            createButton(host.text("pauseHour"), hour),
            createButton(host.text("pauseTomorrow", { time }), tomorrow),
        );
        this.#end = createButton(host.text("pauseEnd"), () => this.#pause(null), {
            class: "primary",
        });
        this.element = createSection(host, "pauseTitle", this.#text, this.#choices, this.#end);
    }

    /** @param {SettingsState} state */
    render({ preferences: { pause } }) {
        const host = this.#host;
        const until = pause && Date.parse(pause.until) > host.now ? pause.until : null;
        const focused = this.element.querySelector(":focus");
        this.element.classList.toggle("paused", until !== null);
        this.#choices.hidden = until !== null;
        this.#end.hidden = until === null;
        // The focus goes to what has taken the place of the button that was pressed.
        const first = /** @type {HTMLElement} */ (this.#choices.firstElementChild);
        if (focused?.closest("[hidden]")) (until ? this.#end : first).focus();
        const time = until && dateAndTime(until, host.now, host.messages.language);
        setText(this.#text, time ? host.text("pauseOn", { time }) : host.text("pauseOff"));
    }

    /** @param {Date | null} until */
    #pause(until) {
        const { client } = this.#host;
        if (client) this.#host.change(pauseChange(client, until?.toISOString() ?? null));
    }
}
