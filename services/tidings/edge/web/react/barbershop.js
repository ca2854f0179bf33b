// Barbershop: its hook `useWebSocket`, and hooks in the words of its notification centre.

import { useMemo } from "react";

import { parsePing } from "./dialect.js";
import { createHook } from "./hook.js";
import { useProductState } from "./product-state.js";

/** @import {Notification} from "../client/protocol.js" */
/** @import {Dialect} from "./dialect.js" */
/** @import {HookOptions} from "./hook.js" */

const OPTIONS = { minimumDelay: 1000, maximumDelay: 30_000, maxReconnectAttempts: 5 };

/** The kind of a type of notifications, and the type in its frame: as the product's server. */
/** @type {Record<string, [kind: string, type: string]>} */
const WORDS = {
    "appointment.booked": ["appointment", "new_booking"],
    "appointment.cancelled": ["appointment", "cancellation"],
    "appointment.reminder": ["appointment", "reminder"],
    "appointment.no_show": ["appointment", "no_show"],
    "performance.threshold_exceeded": ["performance_alert", "threshold_exceeded"],
    "performance.goal_achieved": ["performance_alert", "goal_achieved"],
    "performance.trend_changed": ["performance_alert", "trend_changed"],
    "team.announcement": ["team_update", "announcement"],
    "team.schedule_changed": ["team_update", "schedule_change"],
    "team.policy_updated": ["team_update", "policy_update"],
    "training.course_completed": ["training", "course_completed"],
    "training.module_available": ["training", "new_module"],
    "training.certification_expiring": ["training", "certification_expiry"],
    "achievement.revenue_milestone": ["achievement", "revenue_milestone"],
    "achievement.performance": ["achievement", "performance_achievement"],
    "announcement.published": ["system", "announcement"],
};
const FRAME_KINDS = ["appointment", "performance_alert", "training", "achievement", "system"];
const KINDS = [...FRAME_KINDS, "team_update", "revenue", "client"];
/** @type {Map<string, [kind: string, type: string]>} */
const FREE_WORDS = new Map([
    ...Object.values(WORDS).map((words) => /** @type {const} */ ([words[1], words])),
    ...KINDS.map((kind) => /** @type {[string, [string, string]]} */ ([kind, [kind, kind]])),
]);
/** @type {Record<string, string>} */
const PRIORITIES = { normal: "medium", critical: "urgent" };
/** The fields of the data that a frame repeats. @type {Record<string, string[]>} */
const FIELDS = {
    appointment: ["appointment_id", "client_name", "service", "time"],
    performance_alert: ["metric_type", "current_value", "threshold", "trend"],
    team_update: ["location_id", "details"],
    training: ["module_name"],
    achievement: ["amount", "period"],
};

/** @type {Dialect} */
export const BARBERSHOP = {
    toNotification: (it) => ({
        ...commonFields(it),
        type: wordsOf(it)[0],
        is_read: Boolean(it.read),
        read_at: it.read ?? null,
        created_at: it.created,
        action_url: actionUrl(it) ?? null,
    }),
    toStats: ({ unread }) => ({ count: unread }),
    connectedFrames: ({ now }) => [
        {
            type: "connection",
            status: "connected",
            message: "Connected to real-time notifications",
            timestamp: now,
        },
    ],
    notificationFrames(it) {
        const [kind, type] = wordsOf(it);
        const data = /** @type {Record<string, any>} */ (it.data ?? {});
        const notification = {
            type: "notification",
            notification_type: FRAME_KINDS.includes(kind) ? kind : "system",
            data: frameData(it),
            timestamp: it.created,
        };
        if (kind !== "team_update") return [notification];
        return [
            {
                type: "team_update",
                update_type: data.update_type || type,
                data: { ...data, id: it.id, message: data.message || it.message },
                timestamp: it.created,
            },
            notification,
        ];
    },
    parseRequest(frame) {
        const { type, event_type } = frame;
        if (type !== "subscribe") return parsePing(frame);
        return typeof event_type === "string" ? { subscribed: event_type } : null;
    },
    pongFrame: ({ now }) => ({ type: "pong", timestamp: now }),
    errorFrame: (message, { now }) => ({ type: "error", data: { message }, timestamp: now }),
};

export const useNotifications = createHook(BARBERSHOP);

/**
 * The product's own hook; by default it reconnects as that one did.
 * @param {HookOptions} [options]
 */
export function useWebSocket(options = {}) {
    const result = useProductState(useNotifications, { ...OPTIONS, ...options });
    return useMemo(() => ({ ...result, connectionStatus: result.connectionState }), [result]);
}

export { useNotifications as default };

/** @param {Notification} it @returns {[kind: string, type: string]} */
function wordsOf({ type }) {
    return WORDS[type] ?? FREE_WORDS.get(type) ?? ["system", type];
}

/** @param {Notification} it */
function commonFields(it) {
    const priority = it.priority ?? "normal";
    return {
        id: it.id,
        priority: PRIORITIES[priority] ?? priority,
        title: it.title,
        message: it.message,
        data: it.data ?? {},
    };
}

/** @param {Notification} it */
function frameData(it) {
    const [kind, type] = wordsOf(it);
    const data = /** @type {Record<string, any>} */ (it.data ?? {});
    const url = actionUrl(it);
    const fields = (FIELDS[kind] ?? []).filter((name) => data[name] != null);
    return {
        ...commonFields(it),
        type,
        ...(url && { action_url: url }),
        ...Object.fromEntries(fields.map((name) => [name, data[name]])),
        ...(kind === "training" && { module_name: data.module_name || data.title || null }),
        ...(kind === "achievement" && achievementFields(data)),
    };
}

/** @param {Record<string, any>} data */
function achievementFields({ amount, value }) {
    const shown = amount ?? value;
    return { ...(shown != null && { amount: shown }), celebration: true };
}

/** @param {Notification} it @returns {string | undefined} */
function actionUrl(it) {
    const data = /** @type {Record<string, any>} */ (it.data ?? {});
    return data.action_url || it.entity?.url || undefined;
}
