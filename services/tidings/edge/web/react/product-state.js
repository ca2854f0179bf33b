// Product state: a connection's state in the four words that products document.

import { useMemo, useState } from "react";

/** @import {createHook, HookOptions} from "./hook.js" */

/** @typedef {ReturnType<typeof createHook>} UseNotifications */

/**
 * Use a hook whose `connectionState` is `connecting`, `connected`, `disconnected` when the page
 * wanted it, or `error` when the client has given up.
 * @param {UseNotifications} useNotifications
 * @param {HookOptions} options
 */
export function useProductState(useNotifications, options) {
    const [hasGivenUp, setGivenUp] = useState(false);
    const result = useNotifications({
        ...options,
        onConnect() {
            setGivenUp(false);
            options.onConnect?.();
        },
        onError(error) {
            if (!error.temporary) setGivenUp(true);
            options.onError?.(error);
        },
    });
    const { connect, disconnect } = result;
    const methods = useMemo(
        () => ({
            connect() {
                setGivenUp(false);
                connect();
            },
            disconnect() {
                setGivenUp(false);
                disconnect();
            },
        }),
        [connect, disconnect],
    );
    return useMemo(() => {
        const connectionState = toProductState(result.connectionState, hasGivenUp);
        return { ...result, ...methods, connectionState };
    }, [result, methods, hasGivenUp]);
}

/**
 * @param {"connecting" | "connected" | "reconnecting" | "disconnected"} state
 * @param {boolean} hasGivenUp
 * @returns {"connecting" | "connected" | "disconnected" | "error"}
 */
function toProductState(state, hasGivenUp) {
    if (state === "reconnecting") return "connecting";
    return hasGivenUp && state === "disconnected" ? "error" : state;
}
