// Incidents: hooks for its pages; every frame is an event with its time, and counts follow changes.

import { parsePing } from "./dialect.js";
import { createHook } from "./hook.js";

/** @import {Dialect, FrameContext} from "./dialect.js" */

/** Its pages know no archive: what is archived is gone for them. @type {Record<string, string>} */
const MARK_EVENTS = {
    read: "notification:read",
    deleted: "notification:deleted",
    archived: "notification:deleted",
};

/** @type {Dialect} */
export const INCIDENTS = {
    toNotification: (it) => ({
        id: it.id,
        type: it.type,
        priority: it.priority ?? "normal",
        title: it.title,
        message: it.message,
        entity_type: it.entity?.type ?? null,
        entity_id: it.entity?.id ?? null,
        entity_url: it.entity?.url ?? null,
        is_read: Boolean(it.read),
        created_at: it.created,
    }),
    toStats: ({ total, unread }) => ({ total, unread, read: total - unread }),
    connectedFrames(context) {
        const { user, now } = context;
        const message = "Connected to notifications";
        const data = { user_id: user, timestamp: now, message };
        return [createEvent("connection:established", data, context)];
    },
    notificationFrames(it, context) {
        const data = INCIDENTS.toNotification(it, context.user);
        return [createEvent("notification:new", data, context)];
    },
    markFrames(state, id, context) {
        const name = MARK_EVENTS[state];
        return name ? [createEvent(name, { id }, context)] : [];
    },
    countFrames: (counts, context) => [
        createEvent("stats:updated", INCIDENTS.toStats(counts), context),
    ],
    parseRequest: parsePing,
    errorFrame: (reason, context) => createEvent("error", { message: reason }, context),
};

/**
 * @param {string} name
 * @param {object} data
 * @param {FrameContext} context
 */
function createEvent(name, data, { now }) {
    return { event: name, data, timestamp: now };
}

export const useNotifications = createHook(INCIDENTS);
export { useNotifications as default, useNotifications as useWebSocket };
