// Barbershop: hooks for its pages, in their own words: notifications, of the types subscribed to if any.

import { ping } from "./dialect.js";
import { hook } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */

/** @type {Dialect} */
export const BARBERSHOP = {
    shown: (it, user) => ({
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
    stats: ({ unread }) => ({ unread_count: unread }),
    notified: (it, { user }) => [{ type: "notification", data: BARBERSHOP.shown(it, user) }],
    asked(frame) {
        const { type, event_type } = frame;
        return type === "subscribe" ? event_type && { only: event_type } : ping(frame);
    },
};

export const useNotifications = hook(BARBERSHOP);
export { useNotifications as default, useNotifications as useWebSocket };
