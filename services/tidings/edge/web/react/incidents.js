// Incidents: hooks for its pages, in their own words: every frame is an event with its time, and the counts follow each change.

import { ping } from "./dialect.js";
import { hook } from "./hook.js";

/** @import {Dialect, Moment} from "./dialect.js" */

/** What is archived is gone for its pages, which know no archive. @type {Record<string, string>} */
const MARKED = { read: "notification:read", deleted: "notification:deleted", archived: "notification:deleted" };

/** @type {Dialect} */
export const INCIDENTS = {
    shown: (it) => ({
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
    stats: ({ total, unread }) => ({ total, unread, read: total - unread }),
    greeted(moment) {
        const { user, now } = moment;
        return [event("connection:established", { user_id: user, timestamp: now, message: "Connected to notifications" }, moment)];
    },
    notified: (it, moment) => [event("notification:new", INCIDENTS.shown(it, moment.user), moment)],
    marked: (state, id, moment) => (MARKED[state] ? [event(MARKED[state], { id }, moment)] : []),
    counted: (counts, moment) => [event("stats:updated", INCIDENTS.stats(counts), moment)],
    asked: ping,
    refused: (reason, moment) => event("error", { message: reason }, moment),
};

/**
 * @param {string} name
 * @param {object} data
 * @param {Moment} moment
 */
function event(name, data, { now }) {
    return { event: name, data, timestamp: now };
}

export const useNotifications = hook(INCIDENTS);
export { useNotifications as default, useNotifications as useWebSocket };
