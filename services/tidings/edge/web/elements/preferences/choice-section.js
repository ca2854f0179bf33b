// Choice section: the table of what comes where: a row for each category, a column for each channel.

import { createNode, setText } from "../dom.js";
import { Menu } from "../inbox/menu.js";
import { preferenceChange } from "./changes.js";
import { ChoiceCell } from "./choice-cell.js";
import { becauseText, categoryText, channelText, generalPreference } from "./choices.js";
import { createButton, createSection } from "./section.js";

/** @import {Preferences} from "./preferences.js" */
/** @import {Choice, ChannelName, PreferenceChange, SettingsState} from "./settings-types.js" */

/** The row of everything that nothing more specific is chosen for. */
const EVERYTHING = "all";
/** Channels that are shown though the person has no address for them. */
const USUAL_CHANNELS = ["email", "push"];

export class ChoiceSection {
    #host;
    /** By the name of the row and the channel. @type {Map<string, ChoiceCell>} */ #cells =
        new Map();
    /** What the table has rows and columns for. */ #shape = "";
    #menu = new Menu((button) => button);
    #table = createNode("div");
    element;

    /** @param {Preferences} host */
    constructor(host) {
        this.#host = host;
        const note = createNode("p", { class: "note" }, host.text("choicesNote"));
        this.element = createSection(host, "choicesTitle", note, this.#table, this.#menu.element);
    }

    /** @param {SettingsState} state */
    render(state) {
        const channels = this.#channelsOf(state);
        const named = this.#host.namesOf("categories");
        const categories = state.preferences.categories
            .map(({ category }) => category)
            .filter((category) => named?.includes(category) ?? true);
        this.#createTable([EVERYTHING, ...categories], channels);
        for (const { category, channels: choices } of state.preferences.categories)
            for (const choice of choices)
                this.#cells.get(`${category} ${choice.channel}`)?.render(choice, state.preferences);
        for (const channel of channels)
            this.#cells
                .get(`${EVERYTHING} ${channel}`)
                ?.render(generalChoice(state, channel), state.preferences);
    }

    /**
     * Ask for changes of preferences.
     * @param {PreferenceChange[]} changes
     */
    change(changes) {
        const { client } = this.#host;
        if (client && changes.length) this.#host.change(preferenceChange(client, changes));
    }

    /**
     * Say why a choice holds, at a button.
     * @param {HTMLElement} button
     * @param {string} label
     * @param {Choice | null} choice null: nobody said anything about everything
     * @param {PreferenceChange[]} clearing the changes that take the person's own word back
     */
    explain(button, label, choice, clearing) {
        const { messages } = this.#host;
        const text = choice ? becauseText(messages, choice) : messages.text("whyUnknown");
        const clear = () => {
            this.#menu.close();
            this.change(clearing);
        };
        const useDefault = clearing.length > 0 && createButton(messages.text("useDefault"), clear);
        const children = [createNode("p", {}, text), useDefault].filter((it) => it !== false);
        this.#menu.open(button, "dialog", label, children);
    }

    /** @param {SettingsState} state @returns {ChannelName[]} */
    #channelsOf({ preferences, addresses }) {
        const all = (preferences.categories[0]?.channels ?? []).map(({ channel }) => channel);
        const named = this.#host.namesOf("channels");
        const isUsed = (/** @type {ChannelName} */ channel) =>
            USUAL_CHANNELS.includes(channel) || addresses.some((it) => it.channel === channel);
        return all.filter((channel) => named?.includes(channel) ?? isUsed(channel));
    }

    /** @param {string[]} rows @param {ChannelName[]} channels */
    #createTable(rows, channels) {
        const shape = `${rows.join(" ")} / ${channels.join(" ")}`;
        if (shape === this.#shape) return;
        this.#shape = shape;
        this.#cells.clear();
        const { messages } = this.#host;
        const column = (/** @type {string} */ text) =>
            createNode("th", { scope: "col", role: "columnheader" }, text);
        const columns = channels.map((channel) => column(channelText(messages, channel)));
        const head = createNode(
            "tr",
            { role: "row" },
            column(messages.text("category")),
            ...columns,
        );
        const body = rows.map((row) => this.#createRow(row, channels));
        // Where it is narrow, rows are blocks; with roles it is a table all the same.
        const table = createNode(
            "table",
            { role: "table", part: "table", "aria-labelledby": "choicesTitle-heading" },
            createNode("thead", { role: "rowgroup" }, head),
            createNode("tbody", { role: "rowgroup" }, ...body),
        );
        this.#table.replaceChildren(table);
    }

    /** @param {string} row @param {ChannelName[]} channels */
    #createRow(row, channels) {
        const { messages } = this.#host;
        const isEverything = row === EVERYTHING;
        const name = isEverything ? messages.text("everythingUnless") : categoryText(messages, row);
        const heading = createNode("th", { scope: "row", role: "rowheader" });
        setText(heading, name);
        const cells = channels.map((channel) => {
            const of = isEverything ? EVERYTHING : `category:${row}`;
            const cell = new ChoiceCell(messages, this, { of, name, channel });
            this.#cells.set(`${row} ${channel}`, cell);
            return cell.element;
        });
        return createNode("tr", { role: "row" }, heading, ...cells);
    }
}

/**
 * Return what is chosen for everything on a channel; null if nobody chose.
 * @param {SettingsState} state
 * @param {ChannelName} channel
 * @returns {Choice | null}
 */
function generalChoice({ preferences }, channel) {
    const stated = generalPreference(preferences, channel);
    if (!stated) return null;
    const { by, how, after_seconds, digest, event, required } = stated;
    const row = `${by} ${EVERYTHING} ${stated.channel ?? "*"} ${how}`;
    const because = { row, event: event || null };
    return { channel, how, after_seconds, digest, because, locked: required };
}
