// Push: notifications of this browser while no page is open; the person is asked, once.

import { edgeAddress, requestJson } from "./client/http.js";
import { Tokens } from "./client/tokens.js";

/** @import {Tidings} from "./client.js" */
/** @import {GetToken} from "./client/tokens.js" */

/**
 * How a page wants pushes.
 * @typedef {object} PushOptions
 * @property {Tidings} [client] whose state says what is shown and read; without it, a page that is
 *     open suppresses nothing. Without `getToken`, it asks the edge, too
 * @property {string} [url] the edge; by default where this module came from
 * @property {GetToken} [getToken] as of `connect`; without it, the cookie identifies the person
 * @property {string} [worker] the address of the page's own service worker, which imports
 *     `push-worker.js`; by default that itself, which must be of the page's origin
 * @property {string} [scope] the part of the site that the worker is for
 * @property {string} [app] the name under which the person sees this browser among their devices
 */

const MODULE_PATH = "/web/push.js";
const LABEL_CHARACTERS = 96;

/** The page's permission or its browser refuses pushes. `reason`: `unsupported` or `denied`. */
export class PushRefused extends Error {
    /** @param {"unsupported" | "denied"} reason */
    constructor(reason) {
        super(reason === "denied" ? "the person refused pushes" : "this browser has no pushes");
        this.reason = reason;
    }
}

/** Whether this browser can receive pushes at all. */
export function canPush() {
    return Boolean(
        globalThis.navigator?.serviceWorker && globalThis.PushManager && globalThis.Notification,
    );
}

/**
 * Ask for the permission, subscribe, and register this browser. Call it in a click. Raises
 * PushRefused, or CloseReason if the edge refuses.
 * @param {PushOptions} [options]
 * @returns {Promise<{device: string, sequence: number}>} the id of this browser, and the sequence of
 *     the event that states it
 */
export async function enablePush(options = {}) {
    if (!canPush()) throw new PushRefused("unsupported");
    if ((await Notification.requestPermission()) !== "granted") throw new PushRefused("denied");
    const edge = new PushEdge(options);
    const registration = await registerWorker(options);
    const subscription = await subscribe(registration, await edge.key());
    const { device_id: device, sequence } = await edge.register(subscription, options);
    const before = await tellWorker(registration, { edge: edge.url, device, stale: false }, true);
    if (before.stale && before.device && before.device !== device)
        await edge.unregister(before.device);
    await serve(registration, options);
    return { device, sequence };
}

/**
 * Go on with pushes that were enabled before, on each page that loads; asks nothing.
 *
 * It renews what the browser changed meanwhile, and takes over what was clicked without a page.
 * @param {PushOptions} [options]
 * @returns {Promise<boolean>} false if they are not enabled
 */
export async function resumePush(options = {}) {
    if (!canPush() || Notification.permission !== "granted") return false;
    const registration = await registerWorker(options);
    if (!(await registration.pushManager.getSubscription())) {
        const { stale } = await tellWorker(registration, {});
        if (!stale) return false;
    }
    return Boolean(await enablePush(options));
}

/**
 * Receive no more pushes in this browser. Call it before `signOut`, while the token is valid.
 * @param {PushOptions} [options]
 * @returns {Promise<{sequence: number}>} of the event that states it; 0 if there was nothing to end
 */
export async function disablePush(options = {}) {
    const registration = canPush() && (await findRegistration(options));
    if (!registration) return { sequence: 0 };
    const { device } = await tellWorker(registration, { device: "none", stale: false }, true);
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    for (const each of await registration.getNotifications()) each.close();
    serving?.abort();
    if (!device || device === "none") return { sequence: 0 };
    return new PushEdge(options).unregister(device);
}

/** What is asked of the edge about this browser. */
class PushEdge {
    #client;
    #getToken;

    /** @param {PushOptions} options */
    constructor({ client, url, getToken }) {
        this.url = url ? url.replace(/\/+$/, "") : edgeOfModule(import.meta.url);
        this.#client = getToken ? undefined : client;
        const tokens = new Tokens(getToken);
        this.#getToken = (/** @type {{refresh?: boolean}} */ wanted) => tokens.currentToken(wanted);
    }

    /** @returns {Promise<string>} */
    async key() {
        return (await this.#request("/v1/webpush/key", null)).key;
    }

    /**
     * @param {PushSubscription} subscription
     * @param {PushOptions} options
     * @returns {Promise<{device_id: string, sequence: number}>}
     */
    async register(subscription, { app }) {
        const { endpoint, keys } = subscription.toJSON();
        const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
        const body = {
            kind: "webpush",
            subscription: { endpoint, ...keys },
            locale: document.documentElement.lang || navigator.language,
            ...(timeZone && { zone: timeZone }),
            ...(app && { app: app.slice(0, LABEL_CHARACTERS) }),
        };
        return this.#request("/v1/devices", body);
    }

    /** @param {string} device @returns {Promise<{sequence: number}>} */
    async unregister(device) {
        const path = `/v1/devices/${encodeURIComponent(device)}`;
        return this.#request(path, null, { method: "DELETE", keepalive: true });
    }

    /** @param {string} path @param {object | null} body @param {RequestInit} [more] */
    #request(path, body, more) {
        if (this.#client) return this.#client.request(path, body, more);
        return requestJson(edgeAddress(this.url, path, {}), body, this.#getToken, more);
    }
}

/** @param {PushOptions} options */
async function registerWorker({ worker, scope = "/" }) {
    const script = worker ?? new URL("./push-worker.js", import.meta.url).href;
    const registration = await navigator.serviceWorker.register(script, { scope });
    await activated(registration);
    return registration;
}

/** @param {PushOptions} options */
function findRegistration({ scope = "/" }) {
    return navigator.serviceWorker.getRegistration(scope);
}

/** Wait until a worker runs; `ready` alone knows that, and only of the page's own scope. */
function activated(/** @type {ServiceWorkerRegistration} */ registration) {
    if (registration.active) return;
    const worker = registration.installing ?? registration.waiting;
    return new Promise((resolve) => {
        worker?.addEventListener("statechange", () => registration.active && resolve(undefined));
    });
}

/**
 * Return the subscription by a key; one by another key cannot be pushed to any more.
 * @param {ServiceWorkerRegistration} registration
 * @param {string} key
 */
async function subscribe({ pushManager }, key) {
    const existing = await pushManager.getSubscription();
    if (existing && keyOf(existing) === key) return existing;
    await existing?.unsubscribe();
    return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/** @param {PushSubscription} subscription */
function keyOf({ options: { applicationServerKey } }) {
    const bytes = new Uint8Array(applicationServerKey ?? []);
    const text = btoa(String.fromCharCode(...bytes));
    return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/**
 * Change what the worker knows, and return all of it: as it is then, or as it was `before`.
 * @param {ServiceWorkerRegistration} registration
 * @param {object} state
 * @param {boolean} [before]
 */
async function tellWorker(registration, state, before = false) {
    const known = before ? await askWorker(registration, { tidings: "state", state: {} }) : null;
    const changed = await askWorker(registration, { tidings: "state", state });
    return known ?? changed;
}

/**
 * @param {ServiceWorkerRegistration} registration
 * @param {object} question
 * @returns {Promise<any>}
 */
function askWorker({ active }, question) {
    return new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve(data);
        active?.postMessage(question, [port2]);
    });
}

/** Ends what serves the worker. @type {AbortController | null} */
let serving = null;

/**
 * Answer the worker from the client's state, and close what was read on any device.
 * @param {ServiceWorkerRegistration} registration
 * @param {PushOptions} options
 */
async function serve(registration, { client }) {
    serving?.abort();
    if (!client) return;
    serving = new AbortController();
    const { signal } = serving;
    navigator.serviceWorker.addEventListener(
        "message",
        ({ data, ports }) => {
            const answer = answerWorker(client, data);
            if (answer) ports[0]?.postMessage(answer);
        },
        { signal },
    );
    navigator.serviceWorker.startMessages();
    let unread = client.counts.unread;
    const closeIfRead = () => {
        const before = unread;
        unread = client.counts.unread;
        if (unread < before) closeRead(client, registration);
    };
    client.addEventListener("change", closeIfRead, { signal });
    for (const deed of await askWorker(registration, { tidings: "deeds" })) take(client, deed);
    await closeRead(client, registration);
}

/** @param {Tidings} client @param {any} question */
function answerWorker(client, question) {
    switch (question?.tidings) {
        case "push": {
            const isShown = document.visibilityState === "visible" && client.state === "live";
            return { isShown, notification: structuredClone(client.find(question.id)) };
        }
        case "deed":
            take(client, question.deed);
            return { isTaken: true };
        default:
            return null;
    }
}

/** @param {Tidings} client @param {{id: string, action?: string}} deed */
function take(client, { id, action }) {
    client.mark("read", [id]);
    // Another button may have been pressed elsewhere before.
    if (action) client.press(id, action).catch(() => undefined);
}

/** @param {Tidings} client @param {ServiceWorkerRegistration} registration */
async function closeRead(client, registration) {
    for (const shown of await registration.getNotifications()) {
        const notification = client.find(shown.data?.id);
        if (notification?.read || notification?.archived) shown.close();
    }
}

/** @param {string} address */
function edgeOfModule(address) {
    const { origin, pathname } = new URL(address);
    const isOwn = pathname.endsWith(MODULE_PATH);
    return isOwn ? origin + pathname.slice(0, -MODULE_PATH.length) : origin;
}
