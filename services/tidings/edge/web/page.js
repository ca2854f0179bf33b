// Page: what a list other than that of the client has, as far as it was asked for.

import { compare } from "./fold.js";

/** @import {Tidings} from "./client.js" */
/** @import {MarkState, Notification} from "./protocol.js" */

const PAGE_ROWS = 50;

export class Page {
    /** @type {Notification[]} */ notifications = [];
    /** Whether it could not be loaded. */ failed = false;
    /** @type {string | null | undefined} */ #next;
    state;

    /** @param {"archived" | "snoozed"} state which list */
    constructor(state) {
        this.state = state;
    }

    get complete() {
        return this.#next === null;
    }

    /** Load what follows. @param {Tidings} client */
    async load(client) {
        try {
            const { notifications, next } = await client.list({ state: this.state, limit: PAGE_ROWS, before: this.#next ?? undefined });
            this.notifications = [...this.notifications, ...notifications];
            this.#next = next;
        } catch {
            this.failed = true;
        }
    }

    /** Show what became of some: they leave the list, unless they were only read. @param {MarkState} state @param {string[]} ids @param {string} at */
    mark(state, ids, at) {
        const read = state === "read" ? at : undefined;
        if (state === "read" || state === "unread") this.notifications = this.notifications.map((it) => (ids.includes(it.id) ? { ...it, read } : it));
        else this.notifications = this.notifications.filter((it) => !ids.includes(it.id));
    }

    /** Show some again that had left. @param {Notification[]} which */
    back(which) {
        const others = this.notifications.filter((it) => !which.some(({ id }) => id === it.id));
        this.notifications = [...others, ...which].sort((a, b) => compare(b.cursor, a.cursor));
    }
}
