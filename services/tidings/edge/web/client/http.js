// HTTP: JSON requests to the edge, with the page's token.

import { parseRefusal } from "./close-reason.js";

const TIMEOUT_MILLISECONDS = 15_000;

/** @typedef {(wanted: {refresh?: boolean}) => Promise<string | null>} TokenSource */

/**
 * Return an address of the edge.
 * @param {string} url
 * @param {string} path
 * @param {Record<string, string | null | undefined>} query empty values are left out
 */
export function edgeAddress(url, path, query) {
    const address = new URL(url + path);
    for (const [name, value] of Object.entries(query))
        if (value) address.searchParams.set(name, value);
    return address;
}

/**
 * Send JSON and return the answer. A refused token is renewed once; an edge that does not serve
 * this person says which one does, and the request goes there. Raises CloseReason.
 * @param {URL} address
 * @param {object | null} body null: GET
 * @param {TokenSource} getToken
 * @param {RequestInit} [more] another method, and headers of its own
 */
export async function requestJson(address, body, getToken, more) {
    for (let refresh = false; ; ) {
        const token = await getToken({ refresh });
        const response = await fetch(address, requestOptions(body, token, more));
        if (response.ok) return response.json();
        const reason = await parseRefusal(response);
        if (reason.code === 401 && !refresh) refresh = true;
        else if (reason.code === 421 && !address.searchParams.has("partition"))
            address.searchParams.set("partition", reason.body.partition);
        else throw reason;
    }
}

/**
 * @param {object | null} body
 * @param {string | null} token
 * @param {RequestInit} [more]
 * @returns {RequestInit}
 */
function requestOptions(body, token, more) {
    return {
        // keepalive: a mark made in the moment of leaving is sent though the page is gone.
        ...(body && { method: "POST", body: JSON.stringify(body), keepalive: true }),
        credentials: token ? "omit" : "include",
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
        ...more,
        headers: {
            "content-type": "application/json",
            ...(token && { authorization: `Bearer ${token}` }),
            ...more?.headers,
        },
    };
}
