// Hook: connects a component to a client store, and shows it in a product's own words.

import {
    createContext,
    createElement,
    useContext,
    useEffect,
    useInsertionEffect,
    useMemo,
    useSyncExternalStore,
} from "react";

import { ClientStore, EMPTY_SNAPSHOT, isIdle, storeKey } from "./client-store.js";
import { CANONICAL } from "./dialect.js";
import { FrameAdapter } from "./frame-adapter.js";

/** @import {ReactNode} from "react" */
/** @import {Tidings} from "../client.js" */
/** @import {ClientSnapshot, StoreOptions} from "./client-store.js" */
/** @import {Dialect, DialectFrame} from "./dialect.js" */
/** @import {AdapterCallbacks} from "./frame-adapter.js" */

/**
 * How to connect, where no provider says it, and the component's callbacks.
 * @typedef {StoreOptions & AdapterCallbacks} HookOptions
 */

/** The path of a product's socket or stream; what precedes it is the edge's own path. */
const PRODUCT_PATH = /(\/api\/v1)?\/ws(\/notifications)?\/?$|\/notifications\/stream\/?$/;
const StoreContext = createContext(/** @type {ClientStore | null} */ (null));

/**
 * All components inside show the notifications of one person, over one connection.
 * @param {StoreOptions & {client?: Tidings, children?: ReactNode}} props `client`: the page's own
 */
export function TidingsProvider({ client, children, ...options }) {
    const key = storeKey(options);
    // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the options
    const store = useMemo(() => new ClientStore(options, { client }), [client, key]);
    useEffect(() => store.updateOptions(options));
    useEffect(() => store.subscribe(() => {}), [store]);
    return createElement(StoreContext.Provider, { value: store }, children);
}

/**
 * Return the store that a component reads, and its snapshot.
 * @param {StoreOptions} options
 */
export function useClientStore(options) {
    const provided = useContext(StoreContext);
    const key = storeKey(options);
    // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the options
    const store = useMemo(() => provided ?? ClientStore.shared(options), [provided, key]);
    useEffect(() => {
        if (!provided) store.updateOptions(options);
    });
    const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, () => EMPTY_SNAPSHOT);
    return { store, snapshot };
}

/**
 * Create a hook in a dialect's words. It takes options, or an address and options, as hooks for a
 * WebSocket do.
 * @param {Dialect} dialect
 */
export function createHook(dialect = CANONICAL) {
    const toNotifications = createConverter(dialect);
    // biome-ignore lint/correctness/noComponentHookFactories: no component calls it
    return function useNotifications(
        /** @type {string | HookOptions} */ addressOrOptions = {},
        /** @type {HookOptions} */ more = {},
    ) {
        const options =
            typeof addressOrOptions === "string"
                ? { ...parseAddress(addressOrOptions), ...more }
                : addressOrOptions;
        const { store, snapshot } = useClientStore(options);
        const adapter = useMemo(() => new FrameAdapter(store, dialect), [store]);
        // Before any other effect, so that a frame never meets the callbacks of an earlier render.
        useInsertionEffect(() => {
            adapter.callbacks = options;
        });
        const lastMessage = useSyncExternalStore(
            adapter.subscribe,
            adapter.getLastFrame,
            () => null,
        );
        return useMemo(
            () => hookResult(store, snapshot, adapter, lastMessage, toNotifications),
            [store, snapshot, adapter, lastMessage],
        );
    };
}

/**
 * @param {ClientStore} store
 * @param {ClientSnapshot} snapshot
 * @param {FrameAdapter} adapter
 * @param {DialectFrame | null} lastMessage
 * @param {(snapshot: ClientSnapshot) => Record<string, any>[]} toNotifications
 */
function hookResult(store, snapshot, adapter, lastMessage, toNotifications) {
    const { connect, disconnect } = store.methods;
    return {
        isConnected: snapshot.state === "live",
        connectionState: connectionState(snapshot),
        connect,
        disconnect,
        lastMessage,
        notifications: toNotifications(snapshot),
        unreadCount: snapshot.counts.unread,
        markAsRead: adapter.markAsRead,
        markAllAsRead: adapter.markAllAsRead,
        deleteNotification: adapter.deleteNotification,
        sendMessage: adapter.sendFrame,
    };
}

/**
 * Return the connection's state in the products' words.
 * @param {ClientSnapshot} snapshot
 * @returns {"connecting" | "connected" | "reconnecting" | "disconnected"}
 */
function connectionState({ state, retryAt, returning }) {
    if (state === "live") return "connected";
    if (isIdle({ state, retryAt })) return "disconnected";
    return returning ? "reconnecting" : "connecting";
}

/**
 * Create a function that converts notifications; one that has not changed is converted once and
 * stays the same object, so that React does not render it again.
 * @param {Dialect} dialect
 */
function createConverter({ toNotification }) {
    /** @type {WeakMap<object, Record<string, any>>} */ const converted = new WeakMap();
    /** @type {WeakMap<object, Record<string, any>[]>} */ const lists = new WeakMap();
    return (/** @type {ClientSnapshot} */ { notifications, user }) => {
        const known = lists.get(notifications);
        if (known) return known;
        const list = notifications.map((it) => {
            const result = converted.get(it) ?? toNotification(it, user ?? "");
            converted.set(it, result);
            return result;
        });
        lists.set(notifications, list);
        return list;
    };
}

/**
 * Return the options of a hook whose first argument is a token; without one nobody is signed in.
 * @param {string | null | undefined | HookOptions} tokenOrOptions
 * @returns {HookOptions}
 */
export function tokenOptions(tokenOrOptions) {
    return typeof tokenOrOptions === "object" && tokenOrOptions !== null
        ? tokenOrOptions
        : { token: tokenOrOptions ?? null };
}

/**
 * Return the edge and the token that an address of a product names.
 * @param {string} address
 * @returns {HookOptions}
 */
function parseAddress(address) {
    const page = globalThis.location?.href ?? "http://localhost";
    const { origin, pathname, searchParams } = new URL(address.replace(/^ws/, "http"), page);
    const token = searchParams.get("token");
    const url = origin + pathname.replace(PRODUCT_PATH, "");
    return { url, ...(token !== null && { token }) };
}
