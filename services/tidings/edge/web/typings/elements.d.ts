// Elements: the types of `tidings-web/elements.js`, with names, attributes and events for the page.

import type { Tidings } from "../types/client.js";
import type { Notification } from "../types/client/protocol.js";
import type { Bell, Inbox, Preferences, Toasts } from "../types/elements.js";

export * from "../types/elements.js";

export type OpenEvent = CustomEvent<{ notification: Notification }>;
export type ToggleEvent = CustomEvent<{ open: boolean }>;

interface ElementAttributes {
    lang?: string;
    theme?: "light" | "dark" | "auto";
    client?: Tidings | null;
    words?: Bell["words"];
    "ontidings-open"?: (event: OpenEvent) => void;
}

export interface InboxAttributes extends ElementAttributes {
    page?: string;
}

export interface BellAttributes extends InboxAttributes {
    count?: "unseen" | "unread";
    "title-count"?: boolean;
    "favicon-dot"?: boolean;
    "app-badge"?: boolean;
    "ontidings-toggle"?: (event: ToggleEvent) => void;
}

export interface ToastsAttributes extends ElementAttributes {}

export interface PreferencesAttributes extends ElementAttributes {
    categories?: string;
    channels?: string;
    push?: Preferences["push"];
}

declare global {
    interface HTMLElementTagNameMap {
        "tidings-bell": Bell;
        "tidings-inbox": Inbox;
        "tidings-toasts": Toasts;
        "tidings-preferences": Preferences;
    }
    interface GlobalEventHandlersEventMap {
        "tidings-open": OpenEvent;
        "tidings-toggle": ToggleEvent;
    }
}
