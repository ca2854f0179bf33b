// Result list: the notifications of a list that the client does not hold, as the edge returned
// them.

import { isListed } from "../../client/marks.js";
import { newestFirst } from "../../client/reducer.js";

/** @import {Tidings} from "../../client.js" */
/** @import {MarkState, Notification} from "../../client/protocol.js" */

const PAGE_ROWS = 50;

export class ResultList {
    /** @type {Notification[]} */ notifications = [];
    /** Whether the last page could not be loaded. */ hasFailed = false;
    /** @type {string | null | undefined} */ #next;
    state;

    /** @param {"archived" | "snoozed"} state of which notifications it is */
    constructor(state) {
        this.state = state;
    }

    get complete() {
        return this.#next === null;
    }

    /** Load the next page. @param {Tidings} client */
    async loadPage(client) {
        const before = this.#next ?? undefined;
        try {
            const page = await client.list({ state: this.state, limit: PAGE_ROWS, before });
            this.notifications = [...this.notifications, ...page.notifications];
            this.#next = page.next;
        } catch {
            this.hasFailed = true;
        }
    }

    /**
     * Add what marks that wait for a connection put into the list; the edge does not know of them.
     * @param {Tidings} client
     */
    addPending(client) {
        const ids = client.pending.flatMap(({ ids = [], touched = [] }) => [...ids, ...touched]);
        const known = new Set(this.notifications.map(({ id }) => id));
        const added = [...new Set(ids)]
            .filter((id) => !known.has(id))
            .flatMap((id) => client.find(id) ?? [])
            .filter((it) => this.#holds(it, client.now));
        if (added.length) this.restoreNotifications(added);
    }

    /** @param {Notification} it @param {number} now */
    #holds(it, now) {
        if (this.state === "archived") return Boolean(it.archived);
        return Boolean(it.snoozed) && !it.archived && !isListed(it, now);
    }

    /**
     * Show a mark at once: all but `read` and `unread` take notifications out of the list.
     * @param {MarkState} state
     * @param {string[]} ids
     * @param {string} at
     */
    applyMark(state, ids, at) {
        const read = state === "read" ? at : undefined;
        this.notifications =
            state === "read" || state === "unread"
                ? this.notifications.map((it) => (ids.includes(it.id) ? { ...it, read } : it))
                : this.notifications.filter((it) => !ids.includes(it.id));
    }

    /** Put notifications back that a mark took out. @param {Notification[]} notifications */
    restoreNotifications(notifications) {
        const ids = new Set(notifications.map(({ id }) => id));
        const others = this.notifications.filter(({ id }) => !ids.has(id));
        this.notifications = [...others, ...notifications].sort(newestFirst);
    }
}
