// Chat: the hook of its pages, which mark by `notification_id` and ask for the unread count.

import { useMemo } from "react";

import { parsePing } from "./dialect.js";
import { createHook, tokenOptions } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */
/** @import {HookOptions} from "./hook.js" */
/** @import {Notification} from "../client/protocol.js" */

/** The status of a notification after a mark. @type {Record<string, string>} */
const STATUSES = { read: "read", unread: "delivered", archived: "deleted", deleted: "deleted" };

/** @type {Dialect} */
export const CHAT = {
    toNotification: (it) => ({ ...messageData(it), is_read: Boolean(it.read) }),
    toStats: ({ unread }) => ({ count: unread }),
    notificationFrames: (it) => [{ type: "notification", data: messageData(it) }],
    markFrames: (state, id) => [
        {
            type: "notification_update",
            data: { notification_id: id, status: STATUSES[state] },
        },
    ],
    countFrames: ({ unread }) => [{ type: "unread_count", data: { count: unread } }],
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
        // The product documents one type; types of events have a dot, free words have none.
        notification_type: it.type.includes(".") ? "new_message" : it.type,
        timestamp: it.created.replace(/\.\d+/, ""),
        room_id: it.references?.room ?? null,
        sender_id: it.actor ?? null,
    };
}

const useChat = createHook(CHAT);

/**
 * The product's own hook: notifications, newest first, and the unread count.
 * @param {string | null | HookOptions} [tokenOrOptions] without a token nobody is signed in
 */
export function useNotifications(tokenOrOptions) {
    const result = useChat(tokenOptions(tokenOrOptions));
    return useMemo(() => ({ ...result, connected: result.isConnected }), [result]);
}

export { useChat as useWebSocket, useNotifications as default };
