// Snapshot changes: which marks lie between two snapshots of a client.

import { compareCursors } from "../client/cursors.js";

/** @import {Notification} from "../client/protocol.js" */
/** @import {ClientSnapshot, ClientStore} from "./client-store.js" */

/**
 * Return what was marked between two snapshots. Notifications that only returned, expired or are no
 * longer loaded were not marked.
 * @param {ClientSnapshot} before
 * @param {ClientSnapshot} now
 * @param {ClientStore} store
 * @returns {[id: string, state: string][]}
 */
export function changedMarks(before, now, store) {
    const byId = new Map(now.notifications.map((it) => [it.id, it]));
    return before.notifications.flatMap((was) => {
        const is = byId.get(was.id);
        const state = is ? readMark(was, is) : removalMark(was, now, store);
        return state ? [[was.id, state]] : [];
    });
}

/**
 * @param {Notification} was
 * @param {Notification} is
 */
function readMark(was, is) {
    if (Boolean(was.read) === Boolean(is.read)) return null;
    return is.read ? "read" : "unread";
}

/**
 * Return the mark that removed a notification; null if none did.
 * @param {Notification} was
 * @param {ClientSnapshot} now
 * @param {ClientStore} store
 */
function removalMark(was, { complete, notifications }, { client }) {
    const is = client?.find(was.id);
    if (is) return is.archived ? "archived" : null;
    const oldest = notifications.at(-1);
    const isLoaded = complete || (oldest && compareCursors(was.cursor, oldest.cursor) > 0);
    return client?.cursor && isLoaded ? "deleted" : null;
}

/**
 * Tell whether there is no notification with an id; false as long as not all are loaded.
 * @param {string} id
 * @param {ClientStore} store
 */
export function isUnknown(id, { client, getSnapshot }) {
    return getSnapshot().complete && !client?.find(id);
}
