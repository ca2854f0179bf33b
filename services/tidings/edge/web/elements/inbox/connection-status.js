// Connection status: the line that says whether the client is live, connecting or offline.

import { setText } from "../dom.js";

/** @import {Tidings} from "../../client.js" */
/** @import {Inbox} from "./inbox.js" */

const CATCH_UP_SHOWN_MILLISECONDS = 5000;

export class ConnectionStatus {
    #inbox;
    /** The last catch-up, as long as it is shown. @type {{count: number, until: number} | null} */
    #catchUp = null;
    /**
     * When the next attempt is, as the client says and by the stopwatch: a person may set the
     * clock.
     * @type {{retryAt: number | null, stopwatch: number}}
     */
    #retry = { retryAt: null, stopwatch: 0 };

    /** @param {Inbox} inbox */
    constructor(inbox) {
        this.#inbox = inbox;
    }

    /** Say for a while how many were missed. @param {number} count */
    showCatchUp(count) {
        this.#catchUp = { count, until: performance.now() + CATCH_UP_SHOWN_MILLISECONDS };
    }

    /** @param {HTMLElement} line */
    render(line) {
        const { client } = this.#inbox;
        line.dataset.state = client?.state ?? "offline";
        setText(/** @type {Element} */ (line.firstElementChild), this.#statusText(client));
    }

    /** @param {Tidings | null} client */
    #statusText(client) {
        switch (client?.state) {
            case "live":
                return this.#liveText();
            case "connecting":
                return this.#inbox.text("connecting");
            case "catching up":
                return this.#inbox.text("catchingUp");
            case "signed out":
                return this.#inbox.text("signedOut");
            default:
                return this.#offlineText(client?.retryAt ?? null);
        }
    }

    #liveText() {
        const isShown = this.#catchUp && performance.now() < this.#catchUp.until;
        if (!this.#catchUp || !isShown) return this.#inbox.text("live");
        return this.#inbox.text("reconnected", { count: this.#catchUp.count });
    }

    /** @param {number | null} retryAt */
    #offlineText(retryAt) {
        if (retryAt !== this.#retry.retryAt) {
            const milliseconds = (retryAt ?? 0) - Date.now();
            this.#retry = { retryAt, stopwatch: performance.now() + milliseconds };
        }
        const count = Math.ceil((this.#retry.stopwatch - performance.now()) / 1000);
        return count > 0
            ? this.#inbox.text("reconnecting", { count })
            : this.#inbox.text("offline");
    }
}
