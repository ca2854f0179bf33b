// Barbershop: hooks for its pages, which may subscribe to some types of notifications.

import { parsePing } from "./dialect.js";
import { createHook } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */

/** @type {Dialect} */
export const BARBERSHOP = {
    toNotification: (it, user) => ({
        id: it.id,
        user_id: it.user || user,
        type: it.type,
        category: it.category,
        priority: it.priority ?? "normal",
        title: it.title,
        message: it.message,
        data: it.data ?? {},
        is_read: Boolean(it.read),
        read_at: it.read ?? null,
        created_at: it.created,
    }),
    toStats: ({ unread }) => ({ unread_count: unread }),
    notificationFrames: (it, { user }) => [
        { type: "notification", data: BARBERSHOP.toNotification(it, user) },
    ],
    parseRequest(frame) {
        const { type, event_type } = frame;
        if (type !== "subscribe") return parsePing(frame);
        return event_type && { only: event_type };
    },
};

export const useNotifications = createHook(BARBERSHOP);
export { useNotifications as default, useNotifications as useWebSocket };
