// Cuttable client: a client whose network can be cut, for requests as well as for the connection.

import { Tidings } from "../client.js";

/** @import {CountKind, ListQuery} from "../client/notification-api.js" */

export class CuttableClient extends Tidings {
    isCut = false;

    /** @param {ListQuery} [query] */
    async list(query) {
        this.#requireNetwork();
        return super.list(query);
    }

    /** @param {CountKind} kind */
    async countsBy(kind) {
        this.#requireNetwork();
        return super.countsBy(kind);
    }

    /** @param {string} id @param {string} action */
    async press(id, action) {
        this.#requireNetwork();
        return super.press(id, action);
    }

    /** @param {string} path @param {object | null} [body] @param {RequestInit} [more] */
    async request(path, body, more) {
        this.#requireNetwork();
        return super.request(path, body, more);
    }

    /** Ask the edge as the page, which sees what the person is cut off from. @param {string} path */
    async requestUncut(path) {
        return super.request(path);
    }

    #requireNetwork() {
        if (this.isCut) throw new Error("the connection is cut");
    }
}
