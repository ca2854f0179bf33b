// Hook: how a component says whose notifications it shows, and what it is told of them in its own words.

import { createContext, createElement, useContext, useEffect, useInsertionEffect, useMemo, useSyncExternalStore } from "react";

import { CANONICAL } from "./dialect.js";
import { idle, keyOf, NOTHING, Source } from "./source.js";
import { Talk } from "./talk.js";

/** @import {ReactNode} from "react" */
/** @import {Tidings} from "../client.js" */
/** @import {Dialect, Said} from "./dialect.js" */
/** @import {SourceOptions, Standing} from "./source.js" */
/** @import {Callbacks} from "./talk.js" */

/**
 * How to connect, where no provider says it, and what to be told.
 * @typedef {SourceOptions & Callbacks} HookOptions
 */

const Around = createContext(/** @type {Source | null} */ (null));

/**
 * Everything inside shows the notifications of one person, over one connection, for as long as this is mounted.
 * @param {SourceOptions & {client?: Tidings, children?: ReactNode}} props `client`: one that the page has already
 */
export function TidingsProvider({ client, children, ...options }) {
    const key = keyOf(options);
    const source = useMemo(() => new Source(options, { client }), [client, key]);
    useEffect(() => source.offer(options));
    useEffect(() => source.subscribe(() => {}), [source]);
    return createElement(Around.Provider, { value: source }, children);
}

/**
 * The source that a component reads, and how it stands.
 * @param {SourceOptions} options
 */
export function useSource(options) {
    const around = useContext(Around);
    const key = keyOf(options);
    const source = useMemo(() => around ?? Source.of(options), [around, key]);
    useEffect(() => {
        if (!around) source.offer(options);
    });
    const standing = useSyncExternalStore(source.subscribe, source.standing, () => NOTHING);
    return { source, standing };
}

/**
 * A hook that speaks a dialect; it takes options, or an address and options, as hooks for a WebSocket do.
 * @param {Dialect} dialect
 */
export function hook(dialect = CANONICAL) {
    const shown = remembered(dialect);
    return function useNotifications(/** @type {string | HookOptions} */ where = {}, /** @type {HookOptions} */ more = {}) {
        const options = typeof where === "string" ? { ...addressed(where), ...more } : where;
        const { source, standing } = useSource(options);
        const talk = useMemo(() => new Talk(source, dialect), [source]);
        useInsertionEffect(() => {
            talk.callbacks = options;
        });
        const lastMessage = useSyncExternalStore(talk.subscribe, talk.last, () => null);
        return useMemo(() => told(source, standing, talk, lastMessage, shown), [source, standing, talk, lastMessage]);
    };
}

/**
 * What a component gets.
 * @param {Source} source
 * @param {Standing} standing
 * @param {Talk} talk
 * @param {Said | null} lastMessage
 * @param {(standing: Standing) => Record<string, any>[]} shown
 */
function told(source, standing, talk, lastMessage, shown) {
    const { connect, disconnect } = source.methods;
    return {
        isConnected: standing.state === "live",
        connectionState: connectionState(standing),
        connect,
        disconnect,
        lastMessage,
        notifications: shown(standing),
        unreadCount: standing.counts.unread,
        markAsRead: talk.markAsRead,
        markAllAsRead: talk.markAllAsRead,
        deleteNotification: talk.remove,
        sendMessage: talk.say,
    };
}

/**
 * In the words that the products have for it.
 * @param {Standing} standing
 * @returns {"connecting" | "connected" | "reconnecting" | "disconnected"}
 */
function connectionState({ state, retryAt, returning }) {
    if (state === "live") return "connected";
    if (idle({ state, retryAt })) return "disconnected";
    return returning ? "reconnecting" : "connecting";
}

/**
 * Each notification in the words of a dialect, as the same object for as long as it has not changed.
 * @param {Dialect} dialect
 */
function remembered({ shown }) {
    /** @type {WeakMap<object, Record<string, any>>} */ const known = new WeakMap();
    /** @type {WeakMap<object, Record<string, any>[]>} */ const lists = new WeakMap();
    return (/** @type {Standing} */ { notifications, user }) => {
        const list = lists.get(notifications) ?? notifications.map((it) => known.get(it) ?? shown(it, user ?? ""));
        notifications.forEach((it, index) => known.set(it, list[index]));
        lists.set(notifications, list);
        return list;
    };
}

/**
 * The edge and the token that an address of a dialect names.
 * @param {string} address
 * @returns {HookOptions}
 */
function addressed(address) {
    const { origin, searchParams } = new URL(address.replace(/^ws/, "http"), globalThis.location?.href ?? "http://localhost");
    return { url: origin, ...(searchParams.has("token") && { token: searchParams.get("token") }) };
}
