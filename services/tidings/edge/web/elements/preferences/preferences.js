// Preferences: what reaches a person beyond the page: choices, times, addresses and devices.

import { accountOf } from "../../client/names.js";
import { createNode, setText } from "../dom.js";
import { TidingsElement } from "../element.js";
import { createPlainButton } from "../inbox/placeholders.js";
import { AddressSection } from "./address-section.js";
import { ChoiceSection } from "./choice-section.js";
import { DeviceSection } from "./device-section.js";
import { errorText } from "./error-text.js";
import { ExceptionSection } from "./exception-section.js";
import { PauseSection } from "./pause-section.js";
import { QuietSection } from "./quiet-section.js";
import { Settings } from "./settings.js";
import { SummarySection } from "./summary-section.js";

/** @import {Tidings} from "../../client.js" */
/** @import {PushOptions} from "../../push.js" */
/** @import {SettingsChange, SettingsState} from "./settings-types.js" */

/** A part of the element; `render` shows the settings in it. */
/** @typedef {{element: HTMLElement, render: (state: SettingsState) => void}} Section */

/**
 * Attributes: `categories` and `channels`, the names of those that are shown, separated by spaces;
 * by default all categories, and the channels that can reach the person.
 * Property: `push`, the options for pushes to this browser (`push.js`).
 * Parts: `heading`, `table`, `section`.
 */
export class Preferences extends TidingsElement {
    static observedAttributes = ["lang", "theme", "categories", "channels"];

    /** @type {PushOptions} */ push = {};
    /** @type {Settings | null} */ #settings = null;
    /** Whose settings are shown. @type {[Tidings | null, string]} */ #owner = [null, ""];
    /** @type {Section[]} */ #sections = [];
    #content = createNode("div", { class: "sections" });
    #placeholder = createNode("div", { class: "placeholder" });
    #said = createNode("p", { class: "said", role: "status" });

    createRenderRoot() {
        this.classList.add("preferences");
        this.#sections = [
            new PauseSection(this),
            new ChoiceSection(this),
            new SummarySection(this),
            new ExceptionSection(this),
            new QuietSection(this),
            new AddressSection(this),
            new DeviceSection(this),
        ];
        const sections = this.#sections.map(({ element }) => element);
        this.#content = createNode("div", { class: "sections" }, ...sections);
        this.#placeholder = createNode("div", { class: "placeholder" });
        this.#said = createNode("p", { class: "said", role: "status" });
        const heading = createNode("h2", { part: "heading" }, this.text("settingsTitle"));
        const intro = createNode("p", { class: "note" }, this.text("settingsIntro"));
        const head = createNode("header", {}, heading, intro);
        this.root.append(head, this.#placeholder, this.#content, this.#said);
    }

    connected() {
        const reload = () => document.hidden || this.#settings?.load();
        const options = { signal: this.disconnectSignal };
        // Another tab or device may have changed something.
        document.addEventListener("visibilitychange", reload, options);
    }

    /** @param {Tidings} client @param {AbortSignal} signal */
    clientChanged(client, signal) {
        const load = () => {
            if (client.state === "live") this.#settings?.load();
        };
        client.addEventListener("state", load, { signal });
    }

    render() {
        const { client } = this;
        this.#attachSettings(client);
        const state = this.#settings?.state ?? null;
        this.#content.hidden = !state;
        this.#placeholder.hidden = Boolean(state);
        this.setAttribute("aria-busy", String(!state || Boolean(this.#settings?.isChanging)));
        if (state) for (const section of this.#sections) section.render(state);
        else this.#renderPlaceholder();
    }

    /**
     * Show a change at once, and say what became of it.
     * @param {SettingsChange} change
     * @param {string} [doneText]
     * @returns {Promise<boolean>} false if it was refused
     */
    async change(change, doneText = this.text("saved")) {
        const settings = this.#settings;
        this.say(this.text("isSaving"));
        try {
            await settings?.change(change);
            this.say(doneText);
            return true;
        } catch (error) {
            if (settings === this.#settings) this.say(errorText(this.messages, error), true);
            return false;
        }
    }

    /**
     * Load the settings again.
     * @param {number} [after] the sequence of an event that they must include
     */
    async reload(after) {
        await this.#settings?.load(after);
    }

    /**
     * Say something, to those who look and to those who listen.
     * @param {string} text
     * @param {boolean} [isError]
     */
    say(text, isError = false) {
        setText(this.#said, text);
        this.#said.classList.toggle("error", isError);
    }

    /** What was said last. */
    get saidText() {
        return this.#said.textContent ?? "";
    }

    /**
     * Return the names that an attribute lists; null without it.
     * @param {"categories" | "channels"} attribute
     */
    namesOf(attribute) {
        return this.getAttribute(attribute)?.split(/\s+/).filter(Boolean) ?? null;
    }

    /** Nothing of one person may be shown to the next. @param {Tidings | null} client */
    #attachSettings(client) {
        const account = accountOf(client);
        const [previousClient, previousAccount] = this.#owner;
        if (client === previousClient && account === previousAccount) return;
        this.#owner = [client, account];
        const isOther = client !== previousClient || previousAccount !== "";
        if (!isOther && this.#settings) return; // now it is known who it is
        this.say("");
        this.#settings = client && new Settings(client, () => this.requestUpdate());
        this.#settings?.load();
    }

    #renderPlaceholder() {
        if (!this.#settings?.hasFailed) {
            this.#placeholder.replaceChildren(createNode("i"), createNode("i"), createNode("i"));
            return;
        }
        const retry = createPlainButton(this.text("retry"), () => this.reload());
        this.#placeholder.replaceChildren(createNode("p", {}, this.text("settingsFailed")), retry);
    }
}
