// Exception section: what a person chose for single things, such as those that they muted.

import { createNode } from "../dom.js";
import { preferenceChange } from "./changes.js";
import { channelText, choiceValue, scopeText, valueText } from "./choices.js";
import { createButton, createSection } from "./section.js";

/** @import {Preferences} from "./preferences.js" */
/** @import {SettingsState, StatedPreference} from "./settings-types.js" */

/** What the table is about. */
const COMMON = /^(all$|category:)/;

export class ExceptionSection {
    #host;
    #list = createNode("ul", { class: "list" });
    #shown = "";
    element;

    /** @param {Preferences} host */
    constructor(host) {
        this.#host = host;
        this.element = createSection(host, "exceptionsTitle", this.#list);
    }

    /** @param {SettingsState} state */
    render({ preferences: { preferences } }) {
        const isException = (/** @type {StatedPreference} */ { by, of }) =>
            by === "user" && !COMMON.test(of);
        const exceptions = preferences.filter(isException);
        const hadFocus = this.element.querySelector(":focus") !== null;
        const shown = JSON.stringify(exceptions);
        this.element.hidden = exceptions.length === 0;
        if (shown === this.#shown) return;
        this.#shown = shown;
        this.#list.replaceChildren(...exceptions.map((it) => this.#createItem(it)));
        if (hadFocus) this.#list.querySelector("button")?.focus();
    }

    /** @param {StatedPreference} stated */
    #createItem(stated) {
        const { messages, client } = this.#host;
        const of = scopeText(messages, stated.of);
        const channel = stated.channel
            ? channelText(messages, stated.channel)
            : messages.text("everyChannel");
        const how = valueText(messages, choiceValue(stated));
        const change = {
            of: stated.of,
            clear: true,
            ...(stated.channel && { channel: stated.channel }),
        };
        const remove = () => client && this.#host.change(preferenceChange(client, [change]));
        const label = messages.text("removeException", { of });
        return createNode(
            "li",
            {},
            createNode(
                "span",
                { class: "what" },
                messages.text("exceptionText", { of, channel, how }),
            ),
            createButton(messages.text("take"), remove, { "aria-label": label }),
        );
    }
}
