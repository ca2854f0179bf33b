// Notification API: what a page asks the edge for over HTTP.

import { requestJson } from "./http.js";

/** @import {Counts, Cursor, Notification} from "./protocol.js" */
/** @import {TokenSource} from "./http.js" */

/** @typedef {"category" | "type" | "priority" | "entity" | "group" | "list"} CountKind */
/** @typedef {Record<string, string | number | string[] | undefined>} ListQuery */
/**
 * @typedef {object} ListPage
 * @property {Notification[]} notifications
 * @property {Counts} counts
 * @property {Cursor} cursor at which the page was read
 * @property {Cursor | null} next where the next page begins; null after the last one
 */

export class NotificationApi {
    #url;
    #getToken;

    /**
     * @param {string} url
     * @param {TokenSource} getToken
     */
    constructor(url, getToken) {
        this.#url = url;
        this.#getToken = getToken;
    }

    /**
     * Record that a button was pressed. Raises Error; its `reason` is the button pressed before.
     * @param {string} id
     * @param {string} action
     */
    pressAction(id, action) {
        const path = `/v1/notifications/${encodeURIComponent(id)}`;
        return this.request(`${path}/actions/${encodeURIComponent(action)}`, {});
    }

    /**
     * Return a page of a list.
     * @param {ListQuery} query
     * @returns {Promise<ListPage>}
     */
    fetchPage(query) {
        const search = new URLSearchParams();
        for (const [name, value] of Object.entries(query))
            for (const single of [value].flat())
                if (single !== undefined) search.append(name, String(single));
        return this.request(`/v1/notifications?${search}`);
    }

    /**
     * Return how many there are of each kind.
     * @param {CountKind} kind
     * @returns {Promise<Record<string, Counts>>}
     */
    async fetchCounts(kind) {
        const { by } = await this.request(`/v1/counts?by=${kind}`);
        return by[kind];
    }

    /**
     * Send a request of any other kind, and return the answer. Raises CloseReason.
     * @param {string} path
     * @param {object | null} [body] null: GET
     * @param {RequestInit} [more] another method, and headers of its own
     * @returns {Promise<any>}
     */
    request(path, body = null, more) {
        return requestJson(new URL(this.#url + path), body, this.#getToken, more);
    }
}
