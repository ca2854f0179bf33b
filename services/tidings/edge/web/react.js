// React: hooks for a page that shows somebody's notifications; React itself is the page's own, 18 or later.

import { useMemo } from "react";

import { hook, useSource } from "./react/hook.js";

/** @import {SourceOptions} from "./react/source.js" */

export { TidingsProvider } from "./react/hook.js";

/** What a page needs of it, in Tidings' own words; README.md beside this file says more. */
export const useNotifications = hook();

/**
 * How everything stands (`state`, `retryAt`, `user`, `counts`, `notifications`, `complete`, `pending`), the client's methods, and the
 * `client` itself, null until the component is mounted.
 * @param {SourceOptions} [options] where no provider says how to connect
 */
export function useTidings(options = {}) {
    const { source, standing } = useSource(options);
    return useMemo(() => ({ ...standing, ...source.methods }), [source, standing]);
}
