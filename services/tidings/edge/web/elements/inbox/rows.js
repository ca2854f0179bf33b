// Rows: the rows of a list (WAI-ARIA, feed pattern), of which only those near sight are in the
// page.

import { createNode } from "../dom.js";
import { Row } from "./row.js";
import { SeenTracker } from "./seen-tracker.js";
import { VirtualWindow } from "./virtual-window.js";

/** @import {Notification} from "../../client/protocol.js" */
/** @import {Inbox} from "./inbox.js" */
/** @import {RowRange} from "./virtual-window.js" */

const AT_TOP_PIXELS = 24;
const LOAD_AHEAD = "600px";

export class Rows {
    #inbox;
    /** Those in the page, by id. @type {Map<string, Row>} */ #rows = new Map();
    /** @type {readonly Notification[]} */ #notifications = [];
    /** How many new ones are held back until the person wants them. */ heldBackCount = 0;
    /** The ids that are not held back; null: none is. @type {Set<string> | null} */
    #releasedIds = null;
    #window = new VirtualWindow();
    /** @type {RowRange} */ #range = { first: 0, last: 0, above: 0, below: 0 };
    #isComplete = false;
    #isPointerInside = false;
    #renderedCount = 0;
    list;
    scroll;
    #above = createNode("div");
    #below = createNode("div");
    #foot = createNode("div", { class: "foot" });
    #seenTracker;
    #footObserver;

    /** @param {Inbox} inbox */
    constructor(inbox) {
        this.#inbox = inbox;
        const label = inbox.text("title");
        const role = { role: "feed", part: "feed", "aria-label": label, "aria-busy": "false" };
        this.list = createNode("div", role);
        const content = [this.#above, this.list, this.#below, this.#foot];
        this.scroll = createNode("div", { class: "scroll" }, ...content);
        this.#listen();
        this.#seenTracker = new SeenTracker(
            this.scroll,
            (id) => this.#rows.get(id),
            (ids) => inbox.actions.markSeen(ids),
        );
        this.#footObserver = new IntersectionObserver(
            (entries) => {
                if (entries.some(({ isIntersecting }) => isIntersecting)) inbox.loadMore();
            },
            { root: this.scroll, rootMargin: LOAD_AHEAD },
        );
        this.#footObserver.observe(this.#foot);
    }

    close() {
        this.#seenTracker.close();
        this.#footObserver.disconnect();
    }

    /** Forget all notifications, and begin at the top. */
    reset() {
        this.#notifications = [];
        this.releaseNew();
    }

    /** Show what was held back. */
    releaseNew() {
        this.#releasedIds = null;
        this.scroll.scrollTop = 0;
        this.#inbox.requestUpdate();
    }

    /**
     * Show notifications.
     * @param {readonly Notification[]} notifications newest first
     * @param {{complete: boolean, foot: Node | null}} options
     */
    render(notifications, { complete, foot }) {
        this.#holdBackNew(notifications);
        this.#notifications = notifications;
        this.#isComplete = complete;
        this.list.hidden = !notifications.length; // a feed must not be without articles
        // Without rows, nothing else in the container could have the focus to scroll it by keys.
        this.scroll.tabIndex = notifications.length ? -1 : 0;
        this.#foot.replaceChildren(...(foot ? [foot] : []));
        this.#renderWindow();
        this.#checkFoot(notifications.length);
    }

    updateTimes() {
        for (const row of this.#rows.values()) row.updateTime();
    }

    /** Those in the page, in their order. @returns {Row[]} */
    get inPage() {
        return [...this.list.children].flatMap(
            (element) =>
                this.#rows.get(/** @type {HTMLElement} */ (element).dataset.id ?? "") ?? [],
        );
    }

    /** The row that has the focus, or has something with the focus in it. */
    get focused() {
        return this.inPage.find(({ element }) => element.matches(":focus, :focus-within")) ?? null;
    }

    /**
     * Move the focus by a number of rows.
     * @param {number} by
     */
    moveFocus(by) {
        const { focused } = this;
        const row = focused ? this.#rowBeside(focused, by) : this.inPage[0];
        row?.element.focus();
        row?.element.scrollIntoView({ block: "nearest" });
    }

    #listen() {
        this.scroll.addEventListener("scroll", () => this.#handleScroll(), { passive: true });
        this.list.addEventListener("pointerenter", () => {
            this.#isPointerInside = true;
        });
        this.list.addEventListener("pointerleave", () => {
            this.#isPointerInside = false;
        });
    }

    /**
     * Hold new notifications back while the person reads further down, or points at a row: rows
     * that move under the pointer are clicked by mistake.
     * @param {readonly Notification[]} notifications
     */
    #holdBackNew(notifications) {
        const newestId = notifications[0]?.id;
        const isKnown = this.#notifications.some(({ id }) => id === newestId);
        const mayMove = this.#isAtTop && !this.#isPointerInside;
        if (this.#notifications.length > 0 && !isKnown && !mayMove)
            this.#releasedIds ??= new Set(this.#notifications.map(({ id }) => id));
        const released = this.#releasedIds;
        if (!released) {
            this.heldBackCount = 0;
            return;
        }
        this.heldBackCount = Math.max(
            0,
            notifications.findIndex(({ id }) => released.has(id)),
        );
        // Below the first released one, all are older: loaded since, not new.
        for (const { id } of notifications.slice(this.heldBackCount)) released.add(id);
    }

    /**
     * Return the row at a distance, or the outermost one. It is put into the page if need be: keys
     * may be faster than scrolling brings rows.
     * @param {Row} row
     * @param {number} by
     */
    #rowBeside({ notification }, by) {
        const notifications = this.#shownNotifications;
        const index = notifications.findIndex(({ id }) => id === notification.id) + by;
        const { id } = notifications[Math.max(0, Math.min(notifications.length - 1, index))];
        if (!this.#rows.has(id)) this.#renderWindow();
        return this.#rows.get(id);
    }

    /** All but those held back. */
    get #shownNotifications() {
        return this.heldBackCount
            ? this.#notifications.slice(this.heldBackCount)
            : this.#notifications;
    }

    get #isAtTop() {
        return this.scroll.scrollTop < AT_TOP_PIXELS;
    }

    /** Put the rows near sight into the page, and as much room as the others take. */
    #renderWindow() {
        for (const [id, { element }] of this.#rows)
            this.#window.recordHeight(id, element.offsetHeight);
        const notifications = this.#shownNotifications;
        const { scrollTop, clientHeight } = this.scroll;
        this.#range = this.#window.rangeFor(notifications, scrollTop, scrollTop + clientHeight);
        const { first, last, above, below } = this.#range;
        this.#placeRows(notifications.slice(first, last), first);
        this.#above.style.height = `${above}px`;
        this.#below.style.height = `${below}px`;
        const size = String(this.#isComplete ? notifications.length : -1);
        for (const { element } of this.#rows.values()) element.setAttribute("aria-setsize", size);
    }

    #handleScroll() {
        if (this.#isAtTop && this.#releasedIds) return this.releaseNew();
        const { scrollTop, clientHeight, scrollHeight } = this.scroll;
        const total = scrollHeight - this.#foot.offsetHeight;
        const bottom = scrollTop + clientHeight;
        if (this.#window.needsUpdate(this.#range, scrollTop, bottom, total)) this.#renderWindow();
    }

    /**
     * Have exactly these rows in the page, in this order. Those that stay are not moved: a row that
     * is inserted again loses the focus.
     * @param {Notification[]} notifications
     * @param {number} first index of the first of them
     */
    #placeRows(notifications, first) {
        this.#removeOthers(new Set(notifications.map(({ id }) => id)));
        let next = this.list.firstElementChild;
        notifications.forEach((notification, index) => {
            const { element } = this.#rowFor(notification);
            if (element === next) next = next.nextElementSibling;
            else this.list.insertBefore(element, next);
            element.setAttribute("aria-posinset", String(first + index + 1));
        });
        const rows = this.inPage;
        const reachable = this.focused ?? rows[0];
        for (const row of rows) row.element.tabIndex = row === reachable ? 0 : -1;
    }

    /** @param {Notification} notification */
    #rowFor(notification) {
        const known = this.#rows.get(notification.id);
        if (!known) return this.#addRow(notification);
        // A group that grew is unseen again, though its row never left sight.
        if (known.notification.seen && !notification.seen) this.#seenTracker.observeAgain(known);
        known.update(notification);
        return known;
    }

    /** @param {Notification} notification */
    #addRow(notification) {
        const row = new Row(notification, this.#inbox);
        this.#rows.set(notification.id, row);
        this.#seenTracker.observeRow(row);
        return row;
    }

    /**
     * Remove rows; if one of them has the focus, its neighbour gets it.
     * @param {Set<string>} keptIds
     */
    #removeOthers(keptIds) {
        const { focused } = this;
        if (focused && !keptIds.has(focused.notification.id)) {
            const target = this.#keptNeighbour(focused, keptIds)?.element ?? this.scroll;
            target.focus({ preventScroll: true });
        }
        for (const [id, row] of this.#rows) {
            if (keptIds.has(id)) continue;
            this.#seenTracker.forgetRow(row);
            this.#rows.delete(id);
            row.element.remove();
        }
    }

    /**
     * Return the next row that stays, else the one before.
     * @param {Row} row
     * @param {Set<string>} keptIds
     */
    #keptNeighbour(row, keptIds) {
        const rows = this.inPage;
        const index = rows.indexOf(row);
        const candidates = [...rows.slice(index), ...rows.slice(0, index).reverse()];
        return candidates.find(({ notification }) => keptIds.has(notification.id));
    }

    /**
     * Check once more whether the foot is in sight, after rows were added: the observer reports
     * only changes.
     * @param {number} count
     */
    #checkFoot(count) {
        if (count === this.#renderedCount) return;
        this.#renderedCount = count;
        this.#footObserver.unobserve(this.#foot);
        this.#footObserver.observe(this.#foot);
    }
}
