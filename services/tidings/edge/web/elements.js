// Elements: defines `<tidings-bell>`, `<tidings-inbox>`, `<tidings-toasts>` and
// `<tidings-preferences>` once it is loaded.

import { Bell } from "./elements/bell.js";
import { Inbox } from "./elements/inbox/inbox.js";
import { Preferences } from "./elements/preferences/preferences.js";
import { Toasts } from "./elements/toasts.js";

export { LANGUAGES } from "./elements/messages.js";
export { Bell, Inbox, Preferences, Toasts };

const ELEMENTS = {
    "tidings-inbox": Inbox,
    "tidings-bell": Bell,
    "tidings-toasts": Toasts,
    "tidings-preferences": Preferences,
};

for (const [name, element] of Object.entries(ELEMENTS)) {
    // A page may load this module from two addresses; a name can be defined only once. On a server
    // there is no registry.
    if (!globalThis.customElements?.get(name)) globalThis.customElements?.define(name, element);
}
