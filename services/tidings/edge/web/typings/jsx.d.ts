// JSX: the elements in a page in React; `import type {} from "tidings-web/jsx"` anywhere in it.

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { Bell, Inbox, Preferences, Toasts } from "../types/elements.js";
import type {
    BellAttributes,
    InboxAttributes,
    PreferencesAttributes,
    ToastsAttributes,
} from "./elements.js";

type Props<Element, Attributes> = DetailedHTMLProps<HTMLAttributes<Element>, Element> & Attributes;

declare module "react" {
    namespace JSX {
        interface IntrinsicElements {
            "tidings-bell": Props<Bell, BellAttributes>;
            "tidings-inbox": Props<Inbox, InboxAttributes>;
            "tidings-toasts": Props<Toasts, ToastsAttributes>;
            "tidings-preferences": Props<Preferences, PreferencesAttributes>;
        }
    }
}
