// Names: of people, and of what a browser keeps or shares for them; no two of them collide.

/** @import {ConnectionStatus} from "./protocol.js" */

/** @typedef {Pick<ConnectionStatus, "tenant" | "user">} Person */

/**
 * Return the name of a person's account by the claims of a token; empty if it names no user.
 * @param {{tenant?: string, sub?: string}} claims
 */
export function personAccount({ tenant = "", sub }) {
    return sub ? `${encodeName(tenant)}/${encodeName(sub)}` : "";
}

/** Return the name of the account that a client shows. @param {Person | null} person */
export function accountOf(person) {
    return personAccount({ tenant: person?.tenant ?? undefined, sub: person?.user ?? undefined });
}

/**
 * Encode a name that a page or a token states: the result has no space and no slash, and differs
 * for different names.
 * @param {string} name
 */
export function encodeName(name) {
    // As in JSON first: `encodeURIComponent` raises an error for half a surrogate pair.
    return encodeURIComponent(JSON.stringify(String(name)).slice(1, -1));
}

/**
 * Return the name of what is kept or shared of an account.
 * @param {string} url an address has no spaces
 * @param {string} account
 */
export function storageName(url, account) {
    return `tidings ${url} ${account}`;
}

/**
 * Tell whether two statuses are of different people; what one of them does not say is no
 * difference.
 * @param {Person} a
 * @param {Person} b
 */
export function isOtherPerson(a, b) {
    return differ(a.user, b.user) || differ(a.tenant, b.tenant);
}

/** @param {string | null} a @param {string | null} b */
function differ(a, b) {
    return a !== b && a !== null && b !== null;
}
