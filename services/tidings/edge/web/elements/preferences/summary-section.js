// Summary section: when summaries leave.

import { createNode, setText } from "../dom.js";
import { preferenceChange } from "./changes.js";
import { DAYS, dayText, digestText } from "./choices.js";
import { createButton, createField, createSection, createSelect } from "./section.js";

/** @import {Preferences} from "./preferences.js" */
/** @import {ChannelName, Choice, DigestTime, PreferenceChange, PreferenceState,
 *     SettingsState} from "./settings-types.js" */

/** @type {DigestTime} */
const DEFAULT_TIME = { every: "daily", at: "08:00", day: "mon" };

export class SummarySection {
    #host;
    #text = createNode("p");
    #form;
    #every;
    #at;
    #day;
    #save;
    /** @type {PreferenceState | null} */ #state = null;
    #isEdited = false;
    element;

    /** @param {Preferences} host */
    constructor(host) {
        this.#host = host;
        const { messages } = host;
        this.#every = createSelect([
            ["daily", host.text("summaryDaily")],
            ["weekly", host.text("summaryWeekly")],
            ["hourly", host.text("summaryHourly")],
            ["gathered", host.text("summaryGathered")],
        ]);
        this.#at = createNode("input", { type: "time", required: true });
        this.#day = createSelect(DAYS.map((day) => [day, dayText(messages, day, "long")]));
        this.#save = createButton(host.text("save"), () => {}, {
            type: "submit",
            class: "primary",
        });
        const onsubmit = (/** @type {Event} */ event) => {
            event.preventDefault();
            this.#submit();
        };
        const oninput = () => {
            this.#isEdited = true;
            this.#renderFields();
        };
        this.#form = createNode(
            "form",
            { class: "line", onsubmit, oninput },
            createField(host.text("summaryEvery"), this.#every),
            createField(host.text("summaryDay"), this.#day),
            createField(host.text("summaryAt"), this.#at),
            this.#save,
        );
        this.element = createSection(host, "summaryTitle", this.#text, this.#form);
    }

    /** @param {SettingsState} state */
    render({ preferences }) {
        this.#state = preferences;
        const summarised = summarisedChoices(preferences);
        this.#form.hidden = summarised.length === 0;
        const time = summarised[0]?.choice.digest ?? DEFAULT_TIME;
        const words = digestText(this.#host.messages, time);
        setText(this.#text, summarised.length ? words : this.#host.text("summaryNone"));
        if (this.#isEdited) return;
        [this.#every.value, this.#at.value, this.#day.value] = [time.every, time.at, time.day];
        this.#renderFields();
    }

    #renderFields() {
        const every = this.#every.value;
        const hide = (/** @type {HTMLElement} */ field, /** @type {boolean} */ isHidden) => {
            /** @type {HTMLElement} */ (field.parentElement).hidden = isHidden;
        };
        hide(this.#at, every !== "daily" && every !== "weekly");
        hide(this.#day, every !== "weekly");
        this.#save.disabled = !this.#isEdited;
    }

    async #submit() {
        const { client } = this.#host;
        if (!client || !this.#state) return;
        const digest = /** @type {DigestTime} */ ({
            every: this.#every.value,
            at: this.#at.value || DEFAULT_TIME.at,
            day: this.#day.value,
        });
        /** @type {PreferenceChange[]} */
        const changes = summarisedChoices(this.#state).map(({ category, choice }) => ({
            ...{ of: `category:${category}`, channel: choice.channel, how: "digest", digest },
        }));
        this.#isEdited = !(await this.#host.change(preferenceChange(client, changes)));
        this.#renderFields();
    }
}

/**
 * Return when summaries leave on a channel, of any category; null: as the installation does.
 * @param {PreferenceState} state
 * @param {ChannelName} channel
 */
export function summaryTime(state, channel) {
    const all = summarisedChoices(state);
    const same = all.find(({ choice }) => choice.channel === channel) ?? all[0];
    return same?.choice.digest ?? null;
}

/**
 * Return what comes in summaries, and can be changed.
 * @param {PreferenceState} state
 * @returns {{category: string, choice: Choice}[]}
 */
function summarisedChoices({ categories }) {
    return categories.flatMap(({ category, channels }) =>
        channels
            .filter(({ how, locked }) => how === "digest" && !locked)
            .map((choice) => ({ category, choice })),
    );
}
