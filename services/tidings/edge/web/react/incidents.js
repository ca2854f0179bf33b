// Incidents: hooks for its pages; every frame is an event with its time, and counts follow changes.

import { parsePing } from "./dialect.js";
import { createHook } from "./hook.js";
import { useProductState } from "./product-state.js";

/** @import {Dialect, FrameContext} from "./dialect.js" */
/** @import {HookOptions} from "./hook.js" */
/** @import {Notification} from "../client/protocol.js" */

/** Its pages know no archive: what is archived is gone for them. @type {Record<string, string>} */
const MARK_EVENTS = {
    read: "notification:read",
    deleted: "notification:deleted",
    archived: "notification:deleted",
};

/** The types that are not Tidings' own with underscores for dots. @type {Record<string, string>} */
const TYPES = { "incident.status_changed": "incident_updated" };

const OPTIONS = { autoReconnect: true, reconnectInterval: 5000, maxReconnectAttempts: 10 };

/** @type {Dialect} */
export const INCIDENTS = {
    toNotification: (it) => ({
        id: it.id,
        type: toType(it),
        priority: toPriority(it.priority),
        title: it.title,
        message: it.message,
        entity_type: it.entity?.type ?? null,
        entity_id: it.entity?.id ?? null,
        entity_url: it.entity?.url ?? toPage(it.entity),
        is_read: Boolean(it.read),
        created_at: it.created,
    }),
    toStats: ({ total, unread }, notifications) => ({
        total,
        unread,
        read: total - unread,
        by_type: countBy(notifications, toType),
        by_priority: countBy(notifications, (it) => toPriority(it.priority)),
    }),
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
    countFrames(counts, context) {
        const stats = INCIDENTS.toStats(counts, context.notifications);
        return [createEvent("stats:updated", stats, context)];
    },
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

/**
 * Count notifications by a word; of those that are loaded.
 * @param {readonly Notification[]} notifications
 * @param {(it: Notification) => string} toWord
 */
function countBy(notifications, toWord) {
    /** @type {Record<string, number>} */ const totals = {};
    for (const word of notifications.map(toWord)) totals[word] = (totals[word] ?? 0) + 1;
    return totals;
}

/** @param {Notification} it */
function toType({ type }) {
    return TYPES[type] ?? type.replaceAll(".", "_");
}

/** @param {string} [priority] */
function toPriority(priority = "normal") {
    return priority === "normal" ? "medium" : priority;
}

/** @param {Notification["entity"]} entity */
function toPage(entity) {
    return entity?.type === "incident" ? `/incidents/${encodeURIComponent(entity.id)}` : null;
}

export const useNotifications = createHook(INCIDENTS);

/**
 * The hook of the product's pages, with its defaults and its states.
 * @param {HookOptions} [options]
 */
export function useNotificationWebSocket(options = {}) {
    return useProductState(useNotifications, { ...OPTIONS, ...options });
}

export { useNotifications as default, useNotifications as useWebSocket };
