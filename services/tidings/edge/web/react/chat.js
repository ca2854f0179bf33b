// Chat: hooks for its pages, which mark by `notification_id` and ask for the unread count.

import { parsePing } from "./dialect.js";
import { createHook } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */
/** @import {Notification} from "../client/protocol.js" */

/** @type {Dialect} */
export const CHAT = {
    toNotification: (it) => ({ ...messageData(it), is_read: Boolean(it.read) }),
    toStats: ({ unread }) => ({ count: unread }),
    notificationFrames: (it) => [
        { type: "notification", data: messageData(it) },
        ...(it.read ? [updateFrame("read", it.id)] : []),
    ],
    markFrames: (state, id) => [updateFrame(state, id)],
    countAnswer: ({ unread }) => [{ type: "unread_count", data: { count: unread } }],
    parseRequest(frame) {
        const { type, notification_id } = frame;
        if (type === "get_unread_count") return { count: true };
        if (type !== "mark_read") return parsePing(frame);
        return notification_id && { mark: { state: "read", ids: [notification_id] } };
    },
};

/** @param {Notification} it */
function messageData(it) {
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
function updateFrame(status, id) {
    return { type: "notification_update", data: { notification_id: id, status } };
}

export const useNotifications = createHook(CHAT);
export { useNotifications as default, useNotifications as useWebSocket };
