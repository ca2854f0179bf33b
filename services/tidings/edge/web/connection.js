// Connection: how a client stands to the edge, in words: live, on its way, or away, and then until when.

import { say } from "./dom.js";

/** @import {Tidings} from "./client.js" */
/** @import {Inbox} from "./inbox.js" */

const BACK_MILLISECONDS = 5000;

export class Connection {
    #inbox;
    /** @type {{count: number, until: number} | null} */ #back = null;

    /** @param {Inbox} inbox */
    constructor(inbox) {
        this.#inbox = inbox;
    }

    /** It is back, and so many are new. @param {number} count */
    cameBack(count) {
        this.#back = { count, until: Date.now() + BACK_MILLISECONDS };
    }

    /** @param {HTMLElement} line */
    draw(line) {
        const { client } = this.#inbox;
        line.dataset.state = client?.state ?? "offline";
        say(/** @type {Element} */ (line.firstElementChild), this.#words(client));
    }

    /** @param {Tidings | null} client */
    #words(client) {
        switch (client?.state) {
            case "live":
                return this.#back && Date.now() < this.#back.until ? this.#inbox.say("reconnected", { count: this.#back.count }) : this.#inbox.say("live");
            case "connecting":
                return this.#inbox.say("connecting");
            case "catching up":
                return this.#inbox.say("catchingUp");
            case "signed out":
                return this.#inbox.say("signedOut");
            default:
                return this.#away(client?.retryAt ?? null);
        }
    }

    /** @param {number | null} retryAt */
    #away(retryAt) {
        const count = Math.ceil(((retryAt ?? 0) - Date.now()) / 1000);
        return count > 0 ? this.#inbox.say("reconnecting", { count }) : this.#inbox.say("offline");
    }
}
