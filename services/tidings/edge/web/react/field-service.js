// Field service: hooks and the provider of its pages, whose one frame has the unread count.

import { createContext, createElement, useMemo } from "react";

import { parsePing } from "./dialect.js";
import { createHook, TidingsProvider } from "./hook.js";

/** @import {ReactNode} from "react" */
/** @import {Notification} from "../client/protocol.js" */
/** @import {StoreOptions} from "./client-store.js" */
/** @import {Dialect} from "./dialect.js" */
/** @import {HookOptions} from "./hook.js" */

const [CONNECTING, OPEN, CLOSED] = [0, 1, 3];
const PRIORITIES = { low: 1, normal: 1, high: 2, critical: 3 };
const OFFICE_ALERT = "office_alert";
const TYPES = [
    "issue_detected",
    OFFICE_ALERT,
    "status_update",
    "equipment_alert",
    "inventory_alert",
    "work_order_update",
];
/** The types of all others, by their entity's. @type {Record<string, string>} */
const ENTITY_TYPES = {
    work_order: "work_order_update",
    equipment: "equipment_alert",
    item: "inventory_alert",
};
/** The documented metadata, and the field of the event that each is taken from. */
/** @type {Record<string, Record<string, string>>} */
const METADATA_SOURCES = {
    status_update: { work_order_id: "work_order_id", status: "status", notes: "notes" },
    issue_detected: { work_order_id: "work_order_id", issue_description: "issues" },
    [OFFICE_ALERT]: {
        work_order_id: "work_order_id",
        status: "status",
        notes: "notes",
        issues: "issues",
    },
};

/** @type {Dialect} */
export const FIELD_SERVICE = {
    toNotification: (it, user) => ({
        id: it.id,
        type: typeOf(it),
        message: it.message,
        timestamp: it.created,
        priority: PRIORITIES[it.priority ?? "normal"],
        metadata: metadataOf(it),
        recipient_ids: [it.user || user],
        read: Boolean(it.read),
    }),
    toStats: ({ unread }) => ({ unread_count: unread }),
    notificationFrames: (it, { user, counts }) => [
        updateFrame({
            notification: FIELD_SERVICE.toNotification(it, user),
            unread_count: counts.unread,
        }),
    ],
    countFrames: ({ unread }) => [updateFrame({ unread_count: unread })],
    parseRequest: parsePing,
};

/** @param {Notification} it */
function typeOf({ type, category, references, entity }) {
    const word = [type, category.toLowerCase()].find((it) => TYPES.includes(it));
    if (word) return word;
    if (references?.work_order) return "work_order_update";
    return ENTITY_TYPES[entity?.type ?? ""] ?? OFFICE_ALERT;
}

/** @param {Notification} it */
function metadataOf(it) {
    const order = it.references?.work_order;
    const data = { ...(order && { work_order_id: order }), ...Object(it.data) };
    const sources = Object.entries(METADATA_SOURCES[typeOf(it)] ?? {});
    const documented = Object.fromEntries(
        sources.map(([field, source]) => [field, data[field] ?? data[source] ?? null]),
    );
    return it.type === "work_order.updated" ? documented : { ...data, ...documented };
}

/** @param {object} data */
function updateFrame(data) {
    return { type: "dashboard.notification.update", data };
}

export const useNotifications = createHook(FIELD_SERVICE);

/**
 * The office's own hook. Its `socket` sends frames and closes the connection; the connection itself
 * is shared by all tabs.
 * @param {string | HookOptions} [addressOrOptions]
 * @param {HookOptions} [more]
 */
export function useWebSocket(addressOrOptions, more) {
    const result = useNotifications(addressOrOptions, more);
    const { isConnected, connectionState, sendMessage, disconnect } = result;
    const socket = useMemo(() => {
        const waits = connectionState === "disconnected" ? CLOSED : CONNECTING;
        const readyState = isConnected ? OPEN : waits;
        return { readyState, send: sendMessage, close: disconnect };
    }, [isConnected, connectionState, sendMessage, disconnect]);
    return useMemo(() => ({ ...result, socket }), [result, socket]);
}

/**
 * What the technicians' pages read from their context: notifications, oldest first, the unread
 * count, and a function that marks one as read.
 * @typedef {object} NotificationContextValue
 * @property {Record<string, any>[]} notifications
 * @property {number} unreadCount
 * @property {(id: string) => Promise<void>} markAsRead
 */

export const NotificationContext = createContext(
    /** @type {NotificationContextValue} */ ({
        notifications: [],
        unreadCount: 0,
        markAsRead: async () => {},
    }),
);

/**
 * The technicians' own provider; its options are those of `TidingsProvider`.
 * @param {StoreOptions & {children?: ReactNode}} props
 */
export function NotificationProvider({ children, ...options }) {
    return createElement(TidingsProvider, options, createElement(ContextValue, null, children));
}

/** @param {{children?: ReactNode}} props */
function ContextValue({ children }) {
    const { notifications, unreadCount, markAsRead } = useNotifications();
    const value = useMemo(
        () => ({
            notifications: notifications.toReversed(),
            unreadCount,
            markAsRead: async (/** @type {string} */ id) => void markAsRead(id),
        }),
        [notifications, unreadCount, markAsRead],
    );
    return createElement(NotificationContext.Provider, { value }, children);
}

export { useNotifications as default };
