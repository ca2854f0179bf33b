// Token: what a page shows to say who its person is, asked for once at a time and again before it ends.

import { Unauthorised } from "./link.js";

/** @typedef {(wanted: {refresh: boolean}) => Promise<string | null> | string | null} GetToken */

const FRESH_SHARE = 0.8;
const ASK_MILLISECONDS = 20_000;

/** A source of tokens; without one of the page's own, the cookie says who it is. */
export class Tokens {
    #ask;
    /** @type {string | null} */ #token = null;
    /** @type {Promise<string> | null} */ #asking = null;
    #stale = 0;

    /** @param {GetToken} [ask] */
    constructor(ask) {
        this.#ask = ask;
    }

    /**
     * The token, another one if need be; null: the cookie says it. Raises Unauthorised.
     * @param {{refresh?: boolean}} [wanted]
     * @returns {Promise<string | null>}
     */
    async token({ refresh = false } = {}) {
        if (!this.#ask) return null;
        if (this.#token && !refresh && performance.now() < this.#stale) return this.#token;
        this.#asking ??= this.#fetch(this.#ask, refresh || this.#token !== null).finally(() => (this.#asking = null));
        return this.#asking;
    }

    /**
     * How long a token holds is taken from itself and from our own stopwatch: the clocks of browsers are often wrong.
     * @param {GetToken} ask
     * @param {boolean} refresh
     */
    async #fetch(ask, refresh) {
        const token = await soon(Promise.resolve(ask({ refresh })));
        if (!token) throw new Unauthorised("there is no token: sign in");
        const { exp, iat } = claims(token);
        this.#stale = performance.now() + (exp && iat ? (exp - iat) * 1000 * FRESH_SHARE : 0);
        return (this.#token = token);
    }
}

/**
 * What a promise brings; raises Error if that is nothing for too long.
 * @template T
 * @param {Promise<T>} promised
 * @returns {Promise<T>}
 */
function soon(promised) {
    return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error("the page gives no token when it is asked for one")), ASK_MILLISECONDS);
        promised.then(resolve, reject).finally(() => clearTimeout(late));
    });
}

/**
 * What a token claims, unchecked: nothing of it is to be relied on but by whoever holds the key.
 * @param {string} token
 * @returns {{sub?: string, tenant?: string, exp?: number, iat?: number}}
 */
export function claims(token) {
    try {
        const body = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
        return JSON.parse(new TextDecoder().decode(Uint8Array.from(body, (each) => each.charCodeAt(0))));
    } catch {
        return {};
    }
}
