// Tokens: the page's token, asked for by one caller at a time and renewed before it expires.

import { Unauthorised } from "./close-reason.js";

/** @typedef {(wanted: {refresh: boolean}) => Promise<string | null> | string | null} GetToken */

const FRESH_SHARE = 0.8;
const PAGE_TIMEOUT_MILLISECONDS = 20_000;

/** A source of tokens; without a function of the page's own, the cookie identifies the person. */
export class Tokens {
    #getToken;
    /** @type {string | null} */ #token = null;
    /** @type {Promise<string> | null} */ #request = null;
    #staleAt = 0;

    /** @param {GetToken} [getToken] */
    constructor(getToken) {
        this.#getToken = getToken;
    }

    /**
     * Return the token, renewed if need be; null if the cookie is used. Raises Unauthorised.
     * @param {{refresh?: boolean}} [wanted]
     * @returns {Promise<string | null>}
     */
    async currentToken({ refresh = false } = {}) {
        if (!this.#getToken) return null;
        if (this.#token && !refresh && performance.now() < this.#staleAt) return this.#token;
        this.#request ??= this.#fetchToken(this.#getToken, refresh || this.#token !== null).finally(
            () => {
                this.#request = null;
            },
        );
        return this.#request;
    }

    /**
     * Ask the page for a token.
     *
     * Clocks of browsers are often wrong: how long the token is valid is the difference of its own
     * times, measured from now on with a clock that nobody sets.
     * @param {GetToken} getToken
     * @param {boolean} refresh
     */
    async #fetchToken(getToken, refresh) {
        const token = await withTimeout(Promise.resolve(getToken({ refresh })));
        if (!token) throw new Unauthorised("there is no token: sign in");
        const { exp, iat } = parseClaims(token);
        const validMilliseconds = exp && iat ? (exp - iat) * 1000 : 0;
        this.#staleAt = performance.now() + validMilliseconds * FRESH_SHARE;
        this.#token = token;
        return token;
    }
}

/**
 * Await a promise; raises Error after `PAGE_TIMEOUT_MILLISECONDS`.
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function withTimeout(promise) {
    return new Promise((resolve, reject) => {
        const expire = () => reject(new Error("getToken did not return a token in time"));
        const timer = setTimeout(expire, PAGE_TIMEOUT_MILLISECONDS);
        promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}

/**
 * Return a token's claims, unverified: fit for names and times, not for decisions.
 * @param {string} token
 * @returns {{sub?: string, tenant?: string, exp?: number, iat?: number}} empty if it is no JWT
 */
export function parseClaims(token) {
    try {
        const body = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
        const bytes = Uint8Array.from(body, (character) => character.charCodeAt(0));
        return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
        return {};
    }
}
