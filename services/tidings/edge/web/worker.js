// Worker: the leader in a place of its own, shared by all tabs, so that no tab has to stay open for the others.

import { Unauthorised } from "./link.js";
import { Seat } from "./seat.js";

/** @import {Terms} from "./leader.js" */
/** @import {Asking, Shown} from "./seat.js" */

const TOKEN_MILLISECONDS = 5000;

/** @type {any} */
const scope = self;
const channel = new BroadcastChannel(scope.name);
/** @type {Set<string>} */
const tabs = new Set();
/** @type {Map<number, (answer: Shown | null) => void>} */
const waiting = new Map();
/** @type {Seat | null} */
let seat = null;
let number = 0;

scope.onconnect = (/** @type {MessageEvent} */ event) => {
    event.ports[0].onmessage = (/** @type {MessageEvent} */ { data }) => hear(data);
};
channel.onmessage = (/** @type {MessageEvent} */ { data }) => data.tab && hear(data);

/** @param {Asking} asking */
function hear(asking) {
    const { tab, join, leave, token } = asking;
    if (token) waiting.get(token.number)?.(token);
    if (join) {
        tabs.add(tab);
        seat ??= begin(join);
    }
    seat?.hear(asking);
    if (leave && tabs.delete(tab) && !tabs.size) {
        seat?.leave();
        seat = null;
    }
}

/** @param {Terms} terms */
function begin(terms) {
    const begun = new Seat(terms, ask, (telling) => channel.postMessage(telling));
    begun.take().finally(() => begun === seat && (seat = null));
    return begun;
}

/**
 * A token from one of the tabs, whichever answers; raises Unauthorised.
 * @param {{refresh?: boolean}} wanted
 * @returns {Promise<string | null>}
 */
async function ask({ refresh = false }) {
    for (const tab of [...tabs].reverse()) {
        const answer = await askOne(tab, refresh);
        if (answer?.refused) throw new Unauthorised(answer.refused);
        if (answer?.failed) throw new Error(answer.failed);
        if (answer) return answer.token;
    }
    throw new Error("no tab answers when asked for a token");
}

/**
 * @param {string} tab
 * @param {boolean} refresh
 * @returns {Promise<Shown | null>}
 */
function askOne(tab, refresh) {
    number += 1;
    const asked = number;
    return new Promise((resolve) => {
        waiting.set(asked, (answer) => (waiting.delete(asked), resolve(answer)));
        setTimeout(() => waiting.get(asked)?.(null), TOKEN_MILLISECONDS);
        channel.postMessage({ ask: { tab, number: asked, refresh } });
    });
}
