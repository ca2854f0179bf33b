// Inbox menus: until when to snooze, what else can be done with a row, and the settings.

import { Alerts } from "../alerts.js";
import { createNode } from "../dom.js";
import { dateAndTime, snoozeTimes } from "../format.js";
import { createIcon } from "../icons.js";
import { Menu } from "./menu.js";
import { scopeOf } from "./muting.js";
import { objectText } from "./reason.js";
import { createReason } from "./reason-dialog.js";

/** @import {MarkState, Notification} from "../../client/protocol.js" */
/** @import {AlertKind} from "../alerts.js" */
/** @import {MessageName} from "../messages.js" */
/** @import {Inbox} from "./inbox.js" */

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

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
        const reason = this.#menu.createItem(this.#inbox.text("why"), createIcon("help"), () =>
            this.#openReason(it, button),
        );
        const items = [read, remove, ...this.#createMute(it), reason];
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

    /** @param {Notification} it */
    #createMute(it) {
        const scope = scopeOf(it);
        if (!it.entity || !scope) return [];
        const { type, id } = it.entity;
        // An id that nobody can read names nothing.
        const name = UUID.test(id) ? type : `${type}:${id}`;
        const object = objectText(this.#inbox.messages, name).replaceAll("_", " ");
        const mute = () => this.#inbox.actions.mute(scope, object);
        return [
            this.#menu.createItem(this.#inbox.text("mute", { object }), createIcon("mute"), mute),
        ];
    }

    /** Say why a notification is here. @param {Notification} it @param {HTMLElement} button */
    #openReason(it, button) {
        // Not before the menu has given the focus back: it takes the menu's place.
        requestAnimationFrame(() => {
            const target = /** @type {HTMLElement} */ (this.#focusTarget(button));
            const children = createReason(this.#inbox, it, () => this.#menu.updatePlace(target));
            this.#menu.open(target, "dialog", this.#inbox.text("why"), children);
        });
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
