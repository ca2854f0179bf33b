// Worker: leads from a SharedWorker, so that no tab has to stay open for the others.

import { Unauthorised } from "../client/close-reason.js";
import { LeaderElection } from "./leader-election.js";

/** @import {TabMessage, TokenAnswer} from "./leader-election.js" */
/** @import {LeaderSettings} from "./leader.js" */

const TOKEN_TIMEOUT_MILLISECONDS = 5000;

/** @type {any} */
const scope = self;
const channel = new BroadcastChannel(scope.name);
/** @type {Set<string>} */
const tabs = new Set();
/** Questions for a token, by number. @type {Map<number, (answer: TokenAnswer | null) => void>} */
const tokenRequests = new Map();
/** @type {LeaderElection | null} */
let election = null;
let lastNumber = 0;

scope.onconnect = (/** @type {MessageEvent} */ event) => {
    event.ports[0].onmessage = (/** @type {MessageEvent} */ { data }) => handleMessage(data);
};
channel.onmessage = (/** @type {MessageEvent} */ { data }) => {
    if (data.tab) handleMessage(data);
};

/** @param {TabMessage} message */
function handleMessage(message) {
    const { tab, join, leave, token } = message;
    if (token) tokenRequests.get(token.number)?.(token);
    if (join) {
        tabs.add(tab);
        election ??= runElection(join);
    }
    election?.handleRequest(message);
    if (leave && tabs.delete(tab) && !tabs.size) {
        election?.resign();
        election = null;
    }
}

/** @param {LeaderSettings} settings */
function runElection(settings) {
    const started = new LeaderElection(settings, requestToken, (message) =>
        channel.postMessage(message),
    );
    leadUntilReplaced(started).finally(() => {
        if (election === started) election = null;
    });
    return started;
}

/** @param {LeaderElection} candidate */
async function leadUntilReplaced(candidate) {
    if (!(await candidate.run())) await candidate.lead();
}

/**
 * Return a token of the first tab that answers, the newest first; raises Unauthorised.
 * @param {{refresh?: boolean}} wanted
 * @returns {Promise<string | null>}
 */
async function requestToken({ refresh = false }) {
    for (const tab of [...tabs].reverse()) {
        const answer = await askTab(tab, refresh);
        if (answer?.refused) throw new Unauthorised(answer.refused);
        if (answer?.failed) throw new Error(answer.failed);
        if (answer) return answer.token;
    }
    throw new Error("no tab answers when asked for a token");
}

/**
 * @param {string} tab
 * @param {boolean} refresh
 * @returns {Promise<TokenAnswer | null>} null if the tab does not answer in time
 */
function askTab(tab, refresh) {
    lastNumber += 1;
    const number = lastNumber;
    return new Promise((resolve) => {
        tokenRequests.set(number, (answer) => {
            tokenRequests.delete(number);
            resolve(answer);
        });
        setTimeout(() => tokenRequests.get(number)?.(null), TOKEN_TIMEOUT_MILLISECONDS);
        channel.postMessage({ ask: { tab, number, refresh } });
    });
}
