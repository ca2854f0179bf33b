// React: hooks for pages that show notifications; React 18 or later is the page's own.

import { useMemo } from "react";

import { createHook, useClientStore } from "./react/hook.js";

/** @import {StoreOptions} from "./react/client-store.js" */

export { TidingsProvider } from "./react/hook.js";

/** What most pages need; the README lists what it returns. */
export const useNotifications = createHook();

/**
 * Return the client's state (`state`, `retryAt`, `user`, `counts`, `notifications`, `complete`,
 * `pending`), its methods, and the `client` itself, which is null until the component is mounted.
 * @param {StoreOptions} [options] how to connect, where no provider says it
 */
export function useTidings(options = {}) {
    const { store, snapshot } = useClientStore(options);
    return useMemo(() => ({ ...snapshot, ...store.methods }), [store, snapshot]);
}
