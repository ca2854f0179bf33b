// Field service: hooks for its pages, in their own words: one frame for the dashboard, with a notification or the unread count.

import { ping } from "./dialect.js";
import { hook } from "./hook.js";

/** @import {Dialect} from "./dialect.js" */

const PRIORITIES = { low: 1, normal: 1, high: 2, critical: 3 };

/** @type {Dialect} */
export const FIELD_SERVICE = {
    shown: (it) => ({
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
    stats: ({ unread }) => ({ unread_count: unread }),
    notified: (it, { user }) => [update({ notification: FIELD_SERVICE.shown(it, user) })],
    counted: ({ unread }) => [update({ unread_count: unread })],
    asked: ping,
};

/** @param {object} data */
function update(data) {
    return { type: "dashboard.notification.update", data };
}

export const useNotifications = hook(FIELD_SERVICE);
export { useNotifications as default, useNotifications as useWebSocket };
