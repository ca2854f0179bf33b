// React as the pages here load it: one copy for them and for Tidings' hooks.

import React from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server.browser";

export const {
    createContext,
    createElement,
    StrictMode,
    useContext,
    useEffect,
    useInsertionEffect,
    useMemo,
    useRef,
    useState,
    useSyncExternalStore,
} = React;
export { createRoot, hydrateRoot, renderToString };
export default React;
