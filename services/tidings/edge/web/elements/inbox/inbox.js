// Inbox: the list of a person's notifications, and all that can be done with them.

import { accountOf } from "../../client/names.js";
import { createNode, pageAddress, setText } from "../dom.js";
import { TidingsElement } from "../element.js";
import { createIcon } from "../icons.js";
import { ConnectionStatus } from "./connection-status.js";
import { FilterTabs } from "./filter-tabs.js";
import { InboxActions } from "./inbox-actions.js";
import { InboxMenus } from "./inbox-menus.js";
import { handleKey } from "./keys.js";
import {
    createEmptyState,
    createFailedState,
    createPlainButton,
    createSkeleton,
} from "./placeholders.js";
import { Rows } from "./rows.js";
import { ShownList } from "./shown-list.js";

/** @import {Tidings} from "../../client.js" */
/** @import {Notification} from "../../client/protocol.js" */
/** @import {MessageName} from "../messages.js" */
/** @import {ListName} from "./filter-tabs.js" */

/**
 * @typedef {object} InboxParts
 * @property {HTMLButtonElement} markAll
 * @property {HTMLElement} settings
 * @property {HTMLElement} status
 * @property {HTMLElement} newButton
 * @property {HTMLElement} announcer
 */

const STATUS_INTERVAL_MILLISECONDS = 1000;
const TIMES_INTERVAL_MILLISECONDS = 30_000;
const MORE_ROWS = 50;

/**
 * Attribute: `page`, the address of a page with all notifications. Event: `tidings-open` with
 * `{notification}` when one is opened; if it is prevented, its link is not followed.
 * Parts: `row`, `sign`, `title`, `message`, `dot`, `action`, `feed`, `heading`.
 */
export class Inbox extends TidingsElement {
    #shownList = new ShownList();
    /** Whose notifications are shown. @type {[Tidings | null, string | null]} */
    #owner = [null, null];
    #isLoading = false;
    #status = new ConnectionStatus(this);
    #menus = new InboxMenus(this);
    #tabs = new FilterTabs(this, {
        onChoose: (list) => this.#chooseList(list),
        onChange: () => this.#reloadResults(),
    });
    actions = new InboxActions(this, this.#shownList);
    /** @type {Rows} */ rows = new Rows(this);
    #parts = /** @type {InboxParts} */ ({});

    createRenderRoot() {
        this.classList.add("inbox");
        this.actions.hideUndoBar();
        this.rows.close();
        this.rows = new Rows(this);
        this.rows.scroll.setAttribute("role", "tabpanel");
        this.rows.scroll.id = "list";
        this.#parts = this.#createParts();
        const { status, newButton, announcer } = this.#parts;
        const tabs = this.#tabs.createTabList();
        const overlays = [this.actions.undoBar, this.#menus.element, announcer];
        this.root.append(
            this.#createHead(),
            status,
            tabs,
            newButton,
            this.rows.scroll,
            ...overlays,
        );
    }

    connected() {
        const signal = this.disconnectSignal;
        const renderStatus = () => this.#status.render(this.#parts.status);
        const timers = [
            setInterval(renderStatus, STATUS_INTERVAL_MILLISECONDS),
            setInterval(() => this.rows.updateTimes(), TIMES_INTERVAL_MILLISECONDS),
        ];
        signal.addEventListener("abort", () => {
            for (const timer of timers) clearInterval(timer);
        });
        this.addEventListener("keydown", (event) => handleKey(this, event), { signal });
    }

    /** @param {Tidings} client @param {AbortSignal} signal */
    clientChanged(client, signal) {
        const listen = (
            /** @type {string} */ name,
            /** @type {(detail: any) => void} */ listener,
        ) =>
            client.addEventListener(
                name,
                (event) => listener(/** @type {CustomEvent} */ (event).detail),
                { signal },
            );
        listen("caughtup", ({ from, replayed }) => {
            if (from && replayed) this.#announceCatchUp(replayed);
            // What could not be loaded without a connection can be now.
            if (this.#shownList.results?.hasFailed) this.#chooseList(this.list);
        });
        listen("notification", ({ notification, live }) => {
            if (live) this.announce(this.text("arrived", { title: notification.title }));
        });
        listen("refused", ({ error }) => this.actions.reportFailure(error));
    }

    render() {
        const { client } = this;
        const { status, markAll, newButton } = this.#parts;
        this.#resetForOwner(client, accountOf(client));
        this.#status.render(status);
        this.#tabs.render(this.list);
        markAll.disabled = !client?.counts.unread;
        this.#renderRows();
        newButton.hidden = !this.rows.heldBackCount;
        setText(newButton, this.text("newOnes", { count: this.rows.heldBackCount }));
    }

    /** The list that is shown. */
    get list() {
        return this.#shownList.name;
    }

    /** Focus the first row, or the tabs if there is none. */
    focus() {
        (this.rows.inPage[0]?.element ?? this.#tabs.chosenTab)?.focus();
    }

    get focusedRow() {
        return this.rows.focused;
    }

    /** @param {number} by a number of rows */
    moveFocus(by) {
        this.rows.moveFocus(by);
    }

    /**
     * Mark a notification as read, and follow its link.
     * @param {Notification} notification
     * @param {Event} [event] the click on the link, which the browser follows
     */
    openNotification(notification, event) {
        if (!notification.read) this.client?.mark("read", [notification.id]);
        const options = { bubbles: true, composed: true, cancelable: true };
        const detail = { notification };
        const follows = this.dispatchEvent(new CustomEvent("tidings-open", { detail, ...options }));
        if (!follows) event?.preventDefault();
        const href = pageAddress(notification.entity?.url);
        if (follows && !event && href) location.assign(href);
    }

    /** @param {Notification} it @param {HTMLElement} button */
    openSnoozeMenu(it, button) {
        this.#menus.openSnooze(it, button);
    }

    /** @param {Notification} it @param {HTMLElement} button */
    openOptionsMenu(it, button) {
        this.#menus.openOptions(it, button);
    }

    openSettings() {
        this.#menus.openSettings(this.#parts.settings);
    }

    /** Load older notifications. */
    async loadMore() {
        const { client } = this;
        const { results } = this.#shownList;
        const { complete } = this.#shownList.contentFor(client);
        if (!client || this.#isLoading || complete || results?.hasFailed) return;
        this.#isLoading = true;
        if (results) await results.loadPage(client);
        else if (client.cursor && client.state !== "offline")
            await client.more(MORE_ROWS).catch(() => {}); // scrolling asks for them again
        this.#isLoading = false;
        this.requestUpdate();
    }

    /** @returns {InboxParts} */
    #createParts() {
        const page = pageAddress(this.getAttribute("page") ?? undefined);
        const link = page && createNode("a", { class: "page", href: page }, this.text("page"));
        const newAttributes = { class: "primary pill", type: "button", hidden: true };
        const opensDialog = { "aria-haspopup": "dialog" };
        const releaseNew = () => this.rows.releaseNew();
        return {
            markAll: this.#createTool("markAll", "check", () => this.client?.markAll()),
            settings: this.#createTool(
                "settings",
                "settings",
                () => this.openSettings(),
                opensDialog,
            ),
            status: createNode("p", { class: "connection-status" }, createNode("span"), link),
            newButton: createNode("button", { ...newAttributes, onclick: releaseNew }),
            announcer: createNode("div", { role: "status", class: "visually-hidden" }),
        };
    }

    #createHead() {
        const { markAll, settings } = this.#parts;
        const heading = createNode("h2", { part: "heading", id: "heading" }, this.text("title"));
        const close = () => {
            const options = { bubbles: true, composed: true };
            this.dispatchEvent(new CustomEvent("tidings-close", options));
        };
        const closeButton =
            this.hasAttribute("closable") && this.#createTool("close", "close", close);
        return createNode("header", { class: "head" }, heading, markAll, settings, closeButton);
    }

    /**
     * @param {MessageName} name
     * @param {string} icon
     * @param {(event: Event) => void} onclick
     * @param {Record<string, string>} [more]
     */
    #createTool(name, icon, onclick, more = {}) {
        const label = this.text(name);
        const attributes = { class: "tool", type: "button", title: label, "aria-label": label };
        return createNode("button", { ...attributes, onclick, ...more }, createIcon(icon));
    }

    #renderRows() {
        const { client } = this;
        const { notifications, complete } = this.#shownList.contentFor(client);
        const isEmpty = !notifications.length;
        const isSignedOut = client?.state === "signed out";
        const isUnknown = Boolean(client && !client.cursor && isEmpty && !isSignedOut);
        this.rows.list.setAttribute("aria-busy", String(isUnknown || this.#isLoading));
        const foot = isUnknown ? createSkeleton() : this.#createFoot(isEmpty, complete);
        this.rows.render(notifications, { complete, foot });
    }

    /** Create what is below the last row. @param {boolean} isEmpty @param {boolean} complete */
    #createFoot(isEmpty, complete) {
        const retry = () => this.#chooseList(this.list);
        if (this.#shownList.results?.hasFailed) return createFailedState(this, retry);
        if (complete)
            return isEmpty ? createEmptyState(this) : createNode("span", {}, this.text("end"));
        if (this.#isLoading) return createSkeleton();
        return createPlainButton(this.text("more"), () => this.loadMore());
    }

    /**
     * Begin anew when another user's notifications are shown: nothing of one person may be shown
     * to the next.
     * @param {Tidings | null} client
     * @param {string} account empty: it is not known yet who it is
     */
    #resetForOwner(client, account) {
        const [previousClient, previousAccount] = this.#owner;
        if (client === previousClient && account === previousAccount) return;
        this.#owner = [client, account];
        if (client === previousClient && !previousAccount) return; // now it is known who it is
        this.actions.reset();
        this.#shownList.chooseList("all");
        this.#menus.close();
        this.rows.reset();
    }

    /** @param {ListName} list */
    #chooseList(list) {
        this.#shownList.chooseList(list);
        this.actions.clearSelection();
        this.rows.reset();
        this.render();
        if (this.#shownList.results) this.loadMore();
    }

    async #reloadResults() {
        const { client } = this;
        if (client && (await this.#shownList.reloadResults(client))) this.requestUpdate();
    }

    /** @param {number} count */
    #announceCatchUp(count) {
        this.#status.showCatchUp(count);
        this.announce(this.text("reconnected", { count }));
        this.requestUpdate();
    }

    /** Have a screen reader say something. @param {string} text */
    announce(text) {
        setText(this.#parts.announcer, text);
    }
}
