// Inbox menus: until when to snooze, what else can be done with a row, and the settings.

import { Alerts } from "../alerts.js";
import { createNode } from "../dom.js";
import { dateAndTime, snoozeTimes } from "../format.js";
import { createIcon } from "../icons.js";
import { Menu } from "./menu.js";
import { reasonText } from "./reason.js";

/** @import {MarkState, Notification} from "../../client/protocol.js" */
/** @import {AlertKind} from "../alerts.js" */
/** @import {MessageName} from "../messages.js" */
/** @import {Inbox} from "./inbox.js" */

export class InboxMenus {
    #inbox;
    #menu = new Menu((button) => this.#focusTarget(button));
    /** Index of the row that the menu was opened for. */ #rowIndex = 0;

    /** @param {Inbox} inbox */
    constructor(inbox) {
        this.#inbox = inbox;
    }

    get element() {
        return this.#menu.element;
    }

    close() {
        this.#menu.close();
    }

    /** @param {Notification} it @param {HTMLElement} button */
    openSnooze(it, button) {
        const inbox = this.#inbox;
        const choices = snoozeTimes(inbox.now).map(({ name, time }) => {
            const aside = dateAndTime(time.toISOString(), inbox.now, inbox.messages.language);
            const snooze = () => inbox.actions.snoozeSelected(it, time);
            return this.#menu.createItem(inbox.text(name), aside, snooze);
        });
        this.#openForRow(it, button, inbox.text("snooze"), choices);
    }

    /** @param {Notification} it @param {HTMLElement} button */
    openOptions(it, button) {
        const read = it.read
            ? this.#createMarkItem(it, "unreadAgain", "unread", "unread")
            : this.#createMarkItem(it, "read", "check", "read");
        const remove = this.#createMarkItem(it, "remove", "trash", "deleted");
        const items = [read, remove, this.#createReason(it)];
        this.#openForRow(it, button, this.#inbox.text("moreActions"), items);
    }

    /** @param {HTMLElement} button */
    openSettings(button) {
        const keys = createNode("p", {}, this.#inbox.text("keys"));
        const children = [this.#createSetting("sound"), this.#createSetting("desktop"), keys];
        this.#menu.open(button, "dialog", this.#inbox.text("settings"), children);
    }

    /**
     * @param {Notification} it
     * @param {MessageName} name
     * @param {string} icon
     * @param {MarkState} state
     */
    #createMarkItem(it, name, icon, state) {
        const mark = () => this.#inbox.actions.mark(state, it);
        return this.#menu.createItem(this.#inbox.text(name), createIcon(icon), mark);
    }

    /** Create a note that says why the notification is here. @param {Notification} it */
    #createReason(it) {
        const { messages } = this.#inbox;
        const title = createNode("strong", {}, messages.text("why"));
        return createNode("p", { role: "note" }, title, " ", reasonText(messages, it));
    }

    /** @param {AlertKind} kind */
    #createSetting(kind) {
        const alerts = Alerts.forClient(this.#inbox.client);
        const onchange = async () => {
            input.checked = await alerts.setEnabled(kind, input.checked);
        };
        const input = createNode("input", { type: "checkbox", onchange });
        input.checked = alerts.settings[kind];
        input.disabled = kind === "desktop" && alerts.isDesktopDenied;
        const label = this.#inbox.text(input.disabled ? "desktopDenied" : kind);
        return createNode("label", {}, createNode("span", {}, label), input);
    }

    /**
     * @param {Notification} it
     * @param {HTMLElement} button
     * @param {string} label
     * @param {HTMLElement[]} children
     */
    #openForRow({ id }, button, label, children) {
        const rows = this.#inbox.rows.inPage;
        this.#rowIndex = rows.findIndex(({ notification }) => notification.id === id);
        this.#menu.open(button, "menu", label, children);
    }

    /**
     * Return the button, or what is in its place: a row that changed has new buttons, and where a
     * row went, the next one came up.
     * @param {HTMLElement} button
     */
    #focusTarget(button) {
        if (button.isConnected) return button;
        const { inPage, scroll } = this.#inbox.rows;
        const row = inPage.find(({ notification }) => notification.id === button.dataset.of);
        const tool = row?.element.querySelector(`[data-tool="${button.dataset.tool}"]`);
        const next = inPage[Math.min(this.#rowIndex, inPage.length - 1)]?.element ?? scroll;
        return /** @type {HTMLElement} */ (tool ?? next);
    }
}
