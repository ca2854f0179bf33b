// Field service: hooks for its dashboard, whose one frame has a notification or the unread count.

import { parsePing } from "./dialect.js";
import { createHook } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */

const PRIORITIES = { low: 1, normal: 1, high: 2, critical: 3 };

/** @type {Dialect} */
export const FIELD_SERVICE = {
    toNotification: (it) => ({
        id: it.id,
        type: it.category,
        title: it.title,
        message: it.message,
        priority: PRIORITIES[it.priority ?? "normal"],
        work_order_id: it.references?.work_order ?? null,
        data: it.data ?? {},
        is_read: Boolean(it.read),
        created_at: it.created,
    }),
    toStats: ({ unread }) => ({ unread_count: unread }),
    notificationFrames: (it, { user }) => [
        updateFrame({ notification: FIELD_SERVICE.toNotification(it, user) }),
    ],
    countFrames: ({ unread }) => [updateFrame({ unread_count: unread })],
    parseRequest: parsePing,
};

/** @param {object} data */
function updateFrame(data) {
    return { type: "dashboard.notification.update", data };
}

export const useNotifications = createHook(FIELD_SERVICE);
export { useNotifications as default, useNotifications as useWebSocket };
