// Elements: `<tidings-bell>`, `<tidings-inbox>` and `<tidings-toasts>`, known to the page once this is loaded.

import { Bell } from "./bell.js";
import { Inbox } from "./inbox.js";
import { Toasts } from "./toasts.js";

export { Bell, Inbox, Toasts };
export { LANGUAGES } from "./words.js";

for (const [name, element] of Object.entries({ "tidings-inbox": Inbox, "tidings-bell": Bell, "tidings-toasts": Toasts })) {
    if (!customElements.get(name)) customElements.define(name, element);
}
