// Chat: hooks for its pages, in their own words: they mark by `notification_id`, and ask for the count.

import { ping } from "./dialect.js";
import { hook } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */
/** @import {Notification} from "../protocol.js" */

/** @type {Dialect} */
export const CHAT = {
    shown: (it) => ({ ...brought(it), is_read: Boolean(it.read) }),
    stats: ({ unread }) => ({ count: unread }),
    notified: (it) => [{ type: "notification", data: brought(it) }, ...(it.read ? [updated("read", it.id)] : [])],
    marked: (state, id) => [updated(state, id)],
    unread: ({ unread }) => [{ type: "unread_count", data: { count: unread } }],
    asked(frame) {
        const { type, notification_id } = frame;
        if (type === "get_unread_count") return { count: true };
        return type === "mark_read" ? notification_id && { mark: { state: "read", ids: [notification_id] } } : ping(frame);
    },
};

/** @param {Notification} it */
function brought(it) {
    return {
        notification_id: it.id,
        title: it.title,
        message: it.message,
        notification_type: it.type,
        timestamp: it.created,
        room_id: it.references?.room ?? null,
        sender_id: it.actor ?? null,
    };
}

/**
 * @param {string} status
 * @param {string} id
 */
function updated(status, id) {
    return { type: "notification_update", data: { notification_id: id, status } };
}

export const useNotifications = hook(CHAT);
export { useNotifications as default, useNotifications as useWebSocket };
