// Inbox actions: what can be done with the notifications of an inbox, one by one or several at
// once.

import { dateAndTime } from "../format.js";
import { errorText } from "../preferences/error-text.js";
import { muteScope } from "./muting.js";
import { UndoBar } from "./undo-bar.js";
import { UndoableMarks } from "./undoable-marks.js";

/** @import {MarkState, Notification} from "../../client/protocol.js" */
/** @import {MessageName} from "../messages.js" */
/** @import {Inbox} from "./inbox.js" */
/** @import {Row} from "./row.js" */
/** @import {ShownList} from "./shown-list.js" */

/** What is said after a mark that can be undone. @type {Partial<Record<MarkState, MessageName>>} */
const DONE_TEXTS = {
    archived: "didArchive",
    deleted: "didRemove",
    unarchived: "didMoveBack",
    unsnoozed: "didMoveBack",
};

export class InboxActions {
    #inbox;
    #shownList;
    #marks;
    #undoBar = new UndoBar();
    /** The ids that the next key is for. @type {Set<string>} */ #selectedIds = new Set();

    /** @param {Inbox} inbox @param {ShownList} shownList */
    constructor(inbox, shownList) {
        this.#inbox = inbox;
        this.#shownList = shownList;
        this.#marks = new UndoableMarks(shownList);
    }

    get undoBar() {
        return this.#undoBar.element;
    }

    hideUndoBar() {
        this.#undoBar.hide();
    }

    clearSelection() {
        this.#selectedIds.clear();
    }

    /** Forget the selection and the last mark: another user's notifications are shown next. */
    reset() {
        this.#marks.forgetLast();
        this.clearSelection();
        this.hideUndoBar();
    }

    /** @param {MarkState} state @param {...Notification} notifications */
    mark(state, ...notifications) {
        const name = DONE_TEXTS[state];
        this.#mark(state, notifications, name && this.#inbox.text(name));
    }

    /**
     * Mark the selected notifications, else this one.
     * @param {Notification} it
     * @param {MarkState} state
     */
    markSelected(it, state) {
        this.mark(state, ...this.#takeSelected(it));
    }

    /**
     * Archive the selected ones, else this one; in the archive, move them back.
     * @param {Notification} it
     */
    toggleArchived(it) {
        this.markSelected(it, this.#inbox.list === "archived" ? "unarchived" : "archived");
    }

    /**
     * Snooze the selected notifications, else this one.
     * @param {Notification} it
     * @param {Date} until
     */
    snoozeSelected(it, until) {
        const time = dateAndTime(
            until.toISOString(),
            this.#inbox.now,
            this.#inbox.messages.language,
        );
        const doneText = this.#inbox.text("didSnooze", { time });
        this.#mark("snoozed", this.#takeSelected(it), doneText, until.toISOString());
    }

    /** @param {string} id */
    isSelected(id) {
        return this.#selectedIds.has(id);
    }

    /** Have the next key be for this row, too, or no longer. @param {Row} row */
    toggleSelected(row) {
        const { id } = row.notification;
        if (!this.#selectedIds.delete(id)) this.#selectedIds.add(id);
        row.setSelected(this.isSelected(id));
        this.#inbox.announce(this.isSelected(id) ? this.#inbox.text("picked") : "");
    }

    /** @param {string[]} ids of notifications that were in sight for a moment */
    markSeen(ids) {
        const { client } = this.#inbox;
        const unseen = client?.notifications.filter(({ seen }) => !seen).map(({ id }) => id);
        const unseenIds = new Set(unseen);
        const newlySeen = ids.filter((id) => unseenIds.has(id));
        if (newlySeen.length) client?.mark("seen", newlySeen);
    }

    /**
     * Press a button of a notification; meanwhile its buttons are disabled.
     * @param {Notification} it
     * @param {string} action
     * @param {HTMLElement} row
     */
    async pressAction(it, action, row) {
        const { client } = this.#inbox;
        const nodes = row.querySelectorAll(".actions button");
        const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (nodes);
        const setDisabled = (/** @type {boolean} */ isDisabled) => {
            for (const button of buttons) button.disabled = isDisabled;
        };
        setDisabled(true);
        try {
            await client?.press(it.id, action);
            if (!it.read) client?.mark("read", [it.id]);
        } catch (error) {
            setDisabled(false);
            this.reportFailure(error instanceof Error ? error.message : String(error));
        }
    }

    /**
     * Send nothing more of something beyond the list, until that is undone.
     * @param {string} scope
     * @param {string} object its name for people
     */
    async mute(scope, object) {
        const inbox = this.#inbox;
        const { client } = inbox;
        if (!client) return;
        const attempt = async (/** @type {() => Promise<void>} */ work) => {
            await work().catch((error) => this.#report(errorText(inbox.messages, error)));
        };
        await attempt(async () => {
            const unmute = await muteScope(client, scope);
            if (client === inbox.client)
                this.#offerUndo(inbox.text("didMute", { object }), () => attempt(unmute));
        });
    }

    undoLast() {
        this.hideUndoBar();
        this.#marks.undoLast();
        this.#inbox.requestUpdate();
    }

    /** @param {string} error */
    reportFailure(error) {
        this.#report(this.#inbox.text("refused", { error }));
    }

    /** @param {string} text */
    #report(text) {
        this.#marks.forgetLast();
        this.#undoBar.show(text, null);
        this.#inbox.announce(text);
    }

    /**
     * Return the selected notifications, and deselect them; else this one.
     * @param {Notification} it
     */
    #takeSelected(it) {
        const { notifications } = this.#shownList.contentFor(this.#inbox.client);
        const selected = notifications.filter(({ id }) => this.isSelected(id));
        this.clearSelection();
        for (const row of this.#inbox.rows.inPage) row.setSelected(false);
        return selected.length ? selected : [it];
    }

    /**
     * @param {MarkState} state
     * @param {Notification[]} notifications
     * @param {string} [doneText] said with an offer to undo; without it the mark before stays
     *     undoable
     * @param {string} [until]
     */
    #mark(state, notifications, doneText, until) {
        const { client } = this.#inbox;
        if (!client) return;
        const undo = this.#marks.markNotifications(client, state, notifications, until);
        if (doneText) this.#offerUndo(doneText, undo);
        this.#inbox.requestUpdate();
    }

    /** Say what was done, with a button that undoes it. @param {string} text @param {() => void} undo */
    #offerUndo(text, undo) {
        this.#marks.rememberUndo(undo);
        const button = { label: this.#inbox.text("undo"), onclick: () => this.undoLast() };
        this.#undoBar.show(text, button);
        this.#inbox.announce(text);
    }
}
