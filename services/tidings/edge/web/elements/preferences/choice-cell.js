// Choice cell: how one category goes out on one channel, and whose word that is.

import { createNode, setText } from "../dom.js";
import { createIcon } from "../icons.js";
import { clearingChanges } from "./changes.js";
import {
    channelText,
    choiceOf,
    choiceValue,
    choiceValues,
    DEFAULT_VALUE,
    ownerText,
    valueText,
} from "./choices.js";
import { createSelect, setOptions } from "./section.js";
import { summaryTime } from "./summary-section.js";

/** @import {Messages} from "../messages.js" */
/** @import {ChoiceSection} from "./choice-section.js" */
/** @import {Choice, ChannelName, PreferenceState} from "./settings-types.js" */

/** What a cell is about: a scope, its name for people, and a channel. */
/** @typedef {{of: string, name: string, channel: ChannelName}} CellSubject */

export class ChoiceCell {
    #messages;
    #section;
    #subject;
    #label;
    #select;
    #fixed = createNode("span", { class: "fixed", hidden: true });
    #owner = createNode("span");
    #why;
    /** @type {Choice | null} */ #choice = null;
    /** @type {PreferenceState | null} */ #state = null;
    element;

    /** @param {Messages} messages @param {ChoiceSection} section @param {CellSubject} subject */
    constructor(messages, section, subject) {
        this.#messages = messages;
        this.#section = section;
        this.#subject = subject;
        const channel = channelText(messages, subject.channel);
        this.#label = messages.text("choiceLabel", { category: subject.name, channel });
        const onchange = () => this.#choose(this.#select.value);
        this.#select = createSelect([], { "aria-label": this.#label, onchange });
        this.#why = createNode(
            "button",
            { ...{ type: "button", class: "why" }, "aria-haspopup": "dialog" },
            this.#owner,
            createIcon("help"),
        );
        this.#why.addEventListener("click", () => this.#explain());
        this.element = createNode(
            "td",
            { role: "cell" },
            createNode("span", { class: "channel", "aria-hidden": "true" }, channel),
            createNode("span", { class: "choice" }, this.#select, this.#fixed, this.#why),
        );
    }

    /** @param {Choice | null} choice null: nobody chose @param {PreferenceState} state */
    render(choice, state) {
        [this.#choice, this.#state] = [choice, state];
        const value = choice ? choiceValue(choice) : DEFAULT_VALUE;
        const isLocked = choice?.locked ?? false;
        const isEverything = this.#subject.of === "all";
        const values = [...(isEverything ? [DEFAULT_VALUE] : []), ...choiceValues(value)];
        setOptions(
            this.#select,
            values.map((it) => [it, valueText(this.#messages, it)]),
        );
        this.#select.value = value;
        this.#select.hidden = isLocked;
        this.#fixed.hidden = !isLocked;
        setText(this.#fixed, valueText(this.#messages, value));
        this.#renderOwner(choice);
    }

    /** @param {Choice | null} choice */
    #renderOwner(choice) {
        const messages = this.#messages;
        const owner = choice ? ownerText(messages, choice) : messages.text("byDefault");
        const { name, channel } = this.#subject;
        const values = { owner, category: name, channel: channelText(messages, channel) };
        setText(this.#owner, owner);
        this.#why.setAttribute("aria-label", messages.text("whyLabel", values));
        this.element.classList.toggle("own", owner === messages.text("byYou"));
    }

    /** @param {string} value */
    #choose(value) {
        const { of, channel } = this.#subject;
        if (value === DEFAULT_VALUE) return this.#section.change(this.#clearing());
        const digest = this.#state && summaryTime(this.#state, channel);
        this.#section.change([{ of, channel, ...choiceOf(value, digest) }]);
    }

    #explain() {
        this.#section.explain(this.#why, this.#label, this.#choice, this.#clearing());
    }

    #clearing() {
        const { of, channel } = this.#subject;
        if (!this.#state || this.#choice?.locked) return [];
        return clearingChanges(this.#state, of, channel);
    }
}
