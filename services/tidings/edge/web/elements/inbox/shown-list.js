// Shown list: which list is chosen, and the notifications in it.

import { ResultList } from "./result-list.js";

/** @import {Tidings} from "../../client.js" */
/** @import {Notification} from "../../client/protocol.js" */
/** @import {ListName} from "./filter-tabs.js" */

/** @typedef {{notifications: readonly Notification[], complete: boolean}} ListContent */

export class ShownList {
    /** @type {ListName} */ name = "all";
    /**
     * What the edge returned, for lists that the client does not hold.
     * @type {ResultList | null}
     */
    results = null;
    /** Counts the choices, to tell whether an answer comes too late. */ #choice = 0;
    /** The ids that the list `unread` has shown. @type {Set<string>} */ #shownUnread = new Set();

    /** @param {ListName} name */
    chooseList(name) {
        this.#choice += 1;
        this.name = name;
        this.results = name === "archived" || name === "snoozed" ? new ResultList(name) : null;
        this.#shownUnread.clear();
    }

    /**
     * Return the notifications in the list.
     *
     * An unread one stays in its list while it is read, until another list is chosen: it must not
     * vanish under the pointer.
     * @param {Tidings | null} client
     * @returns {ListContent}
     */
    contentFor(client) {
        if (!client) return { notifications: [], complete: true };
        if (this.results) {
            this.results.addPending(client);
            return this.results;
        }
        if (this.name === "all") return client;
        const { notifications, complete } = client;
        for (const it of notifications) if (!it.read) this.#shownUnread.add(it.id);
        return {
            notifications: notifications.filter(({ id }) => this.#shownUnread.has(id)),
            complete,
        };
    }

    /**
     * Load the first page again.
     * @param {Tidings} client
     * @returns {Promise<boolean>} false if that failed, or another list was chosen meanwhile
     */
    async reloadResults(client) {
        const choice = this.#choice;
        if (!this.results) return false;
        const results = new ResultList(this.results.state);
        await results.loadPage(client);
        if (results.hasFailed || choice !== this.#choice) return false;
        this.results = results;
        return true;
    }
}
