// Quiet section: the times at which nothing disturbs, by the wall clock of a time zone.

import { createNode, setText } from "../dom.js";
import { quietHoursChange } from "./changes.js";
import { DAYS } from "./choices.js";
import { QuietWindowFields } from "./quiet-window.js";
import { createButton, createField, createSection, createSelect, setOptions } from "./section.js";

/** @import {Preferences} from "./preferences.js" */
/** @import {QuietWindow, SettingsState} from "./settings-types.js" */

/** What a new window begins as. @type {QuietWindow} */
const NIGHT = { days: [...DAYS], begin: "22:00", until: "07:00" };
const WINDOWS_LIMIT = 21;

export class QuietSection {
    #host;
    #text = createNode("p");
    #list = createNode("div", { class: "windows" });
    #zone;
    #zoneField;
    #add;
    #save;
    #discard;
    #fault = createNode("p", { class: "fault", id: "quiet-fault", hidden: true });
    /** @type {QuietWindowFields[]} */ #windows = [];
    /** @type {SettingsState["preferences"] | null} */ #state = null;
    /** Channels that are quiet; they stay as they are. @type {string[]} */ #channels = [];
    #isEdited = false;
    #shown = "";
    element;

    /** @param {Preferences} host */
    constructor(host) {
        this.#host = host;
        this.#zone = createSelect([], { onchange: () => this.#edit() });
        this.#zoneField = createField(host.text("quietZone"), this.#zone);
        this.#add = createButton(host.text("quietAdd"), () => this.#addWindow());
        this.#save = createButton(host.text("save"), () => this.#submit(), { class: "primary" });
        this.#discard = createButton(host.text("discard"), () => this.#reset());
        const buttons = createNode("div", { class: "buttons" }, this.#save, this.#discard);
        const note = createNode("p", { class: "note" }, host.text("quietNote"));
        const more = createNode("div", { class: "line" }, this.#zoneField, this.#add);
        this.element = createSection(
            host,
            "quietTitle",
            note,
            this.#text,
            this.#list,
            more,
            this.#fault,
            buttons,
        );
    }

    /** @param {SettingsState} state */
    render({ preferences }) {
        this.#state = preferences;
        const shown = JSON.stringify([preferences.quiet_hours, preferences.zone]);
        if (!this.#isEdited && shown !== this.#shown) this.#fill();
        this.#renderState();
    }

    /** Show what is saved. */
    #fill() {
        const quiet = this.#state?.quiet_hours;
        const own = this.#state?.zone ?? "UTC";
        this.#shown = JSON.stringify([quiet ?? null, own]);
        this.#channels = quiet?.channels ?? [];
        const zone = quiet?.zone ?? own;
        const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
        const zones = [...new Set([zone, own, here])].filter(Boolean);
        setOptions(
            this.#zone,
            zones.map((it) => [it, it.replaceAll("_", " ")]),
        );
        this.#zone.value = zone;
        this.#windows = [];
        this.#list.replaceChildren();
        for (const window of quiet?.windows ?? []) this.#append(window);
    }

    #renderState() {
        const host = this.#host;
        const quiet = this.#state?.quiet_hours;
        const zone = this.#zone.value.replaceAll("_", " ");
        const isEmpty = this.#windows.length === 0;
        const words = [
            isEmpty ? host.text("quietNone") : host.text("quietZoneText", { zone }),
            quiet?.by === "tenant" && host.text("quietTenant"),
        ];
        setText(this.#text, words.filter(Boolean).join(" "));
        this.#zoneField.hidden = isEmpty || this.#zone.options.length < 2;
        this.#add.disabled = this.#windows.length >= WINDOWS_LIMIT;
        this.#save.hidden = !this.#isEdited;
        this.#discard.hidden = !this.#isEdited;
    }

    /** @param {QuietWindow} window */
    #append(window) {
        const fields = new QuietWindowFields(this.#host.messages, window, {
            onEdit: () => this.#edit(),
            onRemove: () => this.#removeWindow(fields),
        });
        this.#windows.push(fields);
        this.#list.append(fields.element);
        this.#number();
        return fields;
    }

    #addWindow() {
        this.#append(NIGHT).focus();
        this.#edit();
    }

    /** @param {QuietWindowFields} fields */
    #removeWindow(fields) {
        this.#windows = this.#windows.filter((it) => it !== fields);
        fields.element.remove();
        this.#number();
        this.#edit();
        (this.#windows.at(-1) ?? this.#add).focus();
    }

    #number() {
        this.#windows.forEach((fields, index) => {
            fields.setNumber(index + 1);
        });
    }

    #edit() {
        this.#isEdited = true;
        this.#showFault("");
        this.#renderState();
    }

    #reset() {
        this.#isEdited = false;
        this.#showFault("");
        this.#fill();
        this.#renderState();
        this.#add.focus();
    }

    async #submit() {
        const { client } = this.#host;
        const faulty = this.#windows.find((fields) => fields.fault);
        this.#showFault(faulty ? this.#host.text(/** @type {any} */ (faulty.fault)) : "");
        if (faulty) return faulty.focusFault();
        if (!client) return;
        const own = this.#state?.zone;
        const hours = {
            windows: this.#windows.map((fields) => fields.value),
            zone: this.#zone.value === own ? null : this.#zone.value,
            channels: this.#channels,
        };
        const change = quietHoursChange(client, hours.windows.length ? hours : null);
        this.#isEdited = !(await this.#host.change(change));
        this.#host.requestUpdate();
        if (!this.#isEdited) this.#add.focus();
    }

    /** @param {string} text */
    #showFault(text) {
        setText(this.#fault, text);
        this.#fault.hidden = text === "";
        if (text) this.#host.say(text, true);
    }
}
