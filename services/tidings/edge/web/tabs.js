// Tabs: how the tabs of an account share one connection: by a worker, else by taking turns, else each has its own.

import { Seat, nameOf } from "./seat.js";
import { unique } from "./unique.js";

/** @import {Terms} from "./leader.js" */
/** @import {Asking, Shown, Telling} from "./seat.js" */
/** @import {Tokens} from "./token.js" */
/** @typedef {"auto" | "worker" | "locks" | "off"} Share */

const LOOK_MILLISECONDS = 1000;
const LOST_MILLISECONDS = 5000;
const START_MILLISECONDS = 4000;

export class Tabs {
    /** This tab's name among them. */
    id = unique();
    #terms;
    #tokens;
    #told;
    /** @type {Share} */ #how;
    /** @type {BroadcastChannel | null} */ #channel = null;
    /** @type {SharedWorker | null} */ #worker = null;
    /** @type {Seat | null} */ #seat = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */ #looking;
    #heard = 0;
    /** Whether whoever leads has said how it stands. */ #known = false;

    /**
     * @param {Terms} terms
     * @param {Share} share
     * @param {Tokens} tokens
     * @param {(telling: Telling & Asking) => void} told what whoever leads says, and what the other tabs ask
     */
    constructor(terms, share, tokens, told) {
        this.#terms = terms;
        this.#tokens = tokens;
        this.#told = told;
        this.#how = possible(share);
    }

    /** Whether this tab holds the connection itself. */
    get leading() {
        return this.#seat?.held ?? false;
    }

    join() {
        if (this.#how === "off") return this.#lead({ alone: true });
        this.#channel = new BroadcastChannel(nameOf(this.#terms));
        this.#channel.onmessage = ({ data }) => this.#hear(data);
        [this.#heard, this.#known] = [performance.now() - LOST_MILLISECONDS + START_MILLISECONDS, false];
        this.#looking = setInterval(() => this.#look(), LOOK_MILLISECONDS);
        if (this.#how === "worker") this.#employ();
        else this.#queue();
    }

    leave() {
        clearInterval(this.#looking);
        this.say({ leave: true });
        this.#seat?.leave();
        this.#channel?.close();
        this.#worker?.port.close();
        [this.#seat, this.#channel, this.#worker] = [null, null, null];
    }

    /** Say something to whoever leads, and to the other tabs. @param {Omit<Asking, "tab">} what */
    say(what) {
        const asking = { tab: this.id, ...what };
        this.#channel?.postMessage(asking);
        this.#seat?.hear(asking);
    }

    /** Have a worker lead. */
    #employ() {
        const worker = new SharedWorker(new URL("worker.js", import.meta.url), { type: "module", name: nameOf(this.#terms) });
        worker.onerror = () => this.#dismiss();
        worker.port.start();
        worker.port.postMessage({ tab: this.id, join: this.#terms });
        this.#worker = worker;
    }

    /** The worker does not do: take turns with the other tabs. */
    #dismiss() {
        if (!this.#worker) return;
        this.#worker = null;
        this.#how = "locks";
        this.#queue();
    }

    /** Lead once nobody else does; until then, ask whoever does how it stands. */
    #queue() {
        this.#lead({});
        this.say({ join: this.#terms });
    }

    /** @param {{steal?: boolean, alone?: boolean}} how */
    async #lead(how) {
        this.#seat?.leave();
        const seat = new Seat(this.#terms, (wanted) => this.#tokens.token(wanted), (telling) => this.#tell(telling));
        this.#seat = seat;
        await seat.take(how);
        if (this.#seat === seat && this.#channel) this.#queue(); // it was taken from us
    }

    /** What we say ourselves as the one who leads. @param {Telling} telling */
    #tell(telling) {
        [this.#heard, this.#known] = [performance.now(), true];
        this.#channel?.postMessage(telling);
        this.#told(/** @type {any} */ (telling));
    }

    /** @param {any} data */
    #hear(data) {
        if (data.tab) this.#seat?.hear(data);
        else this.#heard = performance.now();
        if (data.status) this.#known = true;
        if (data.ask?.tab === this.id) this.#answer(data.ask);
        this.#told(data);
    }

    /** @param {{number: number, refresh: boolean}} asked */
    async #answer({ number, refresh }) {
        const shown = await this.#tokens.token({ refresh }).then((token) => ({ token }), missing);
        this.say({ token: { number, ...shown } });
    }

    /** Whether whoever leads shows signs of life; if not, somebody else has to. A hidden page cannot tell. */
    #look() {
        if (document.hidden) this.#heard = performance.now();
        if (!this.#known) this.say({ join: this.#terms });
        if (performance.now() - this.#heard < LOST_MILLISECONDS) return;
        this.#heard = performance.now();
        if (this.#worker) this.#dismiss();
        else this.#lead({ steal: true });
    }
}

/** @param {any} error @returns {Shown} */
function missing(error) {
    return { token: null, [error?.name === "Unauthorised" ? "refused" : "failed"]: String(error?.message ?? error) };
}

/** @param {Share} share @returns {Share} */
function possible(share) {
    const worker = typeof SharedWorker !== "undefined" && new URL(import.meta.url).origin === location.origin;
    if (typeof BroadcastChannel === "undefined" || share === "off") return "off";
    if (worker && share !== "locks") return "worker";
    return navigator.locks && share !== "worker" ? "locks" : "off";
}
