// Push worker: shows what is pushed while no page shows it, and opens and marks what is clicked.
//
// A classic script without imports: a page of another origin runs it by `importScripts`.

{
    const PAGE_MILLISECONDS = 1000;
    const REQUEST_MILLISECONDS = 10_000;
    const LISTED = 100;
    const FALLBACK_TITLES = { de: "Neue Benachrichtigung", en: "New notification" };
    /** The types of service workers are not those of pages. */
    const worker = /** @type {any} */ (globalThis);

    /**
     * What a push says (RFC 8030); without a `title` it is only the id.
     * @typedef {object} PushContent
     * @property {string} id
     * @property {string} tag
     * @property {string} device
     * @property {string} locale
     * @property {string} [title]
     * @property {string} [body]
     * @property {string} [url]
     * @property {{action: string, title: string}[]} [actions]
     */
    /**
     * What a person did with a shown notification.
     * @typedef {{id: string, action?: string}} Deed
     */
    /**
     * What pages told this worker.
     * @typedef {object} PushState
     * @property {string} [edge] the address of the edge
     * @property {string} [device] for whom pushes are
     * @property {Deed[]} [deeds] what no page and no request has recorded yet
     * @property {boolean} [stale] the subscription changed, and a page must register it
     */

    worker.addEventListener("install", () => worker.skipWaiting());
    on("activate", () => worker.clients.claim());
    on("push", (event) => inTurn(() => receive(event.data)));
    on("notificationclick", (event) => handleClick(event.notification, event.action));
    on("pushsubscriptionchange", (event) => renew(event));
    on("message", async (event) => event.ports[0]?.postMessage(await answerPage(event.data)));

    /** @param {string} name @param {(event: any) => Promise<unknown>} handle */
    function on(name, handle) {
        worker.addEventListener(name, (/** @type {any} */ event) => event.waitUntil(handle(event)));
    }

    let turn = Promise.resolve();

    /**
     * Do one after the other: Chromium forgets what is shown while it lists what was shown.
     * @param {() => Promise<void>} act
     */
    function inTurn(act) {
        turn = turn.then(act, act);
        return turn;
    }

    /** Show a push, unless a page shows it or it is for a person who signed out. */
    async function receive(/** @type {any} */ data) {
        const content = parse(data);
        const state = await readState();
        if (!content || (state.device && state.device !== content.device)) return;
        await closeRead(state);
        const answers = await askPages({ tidings: "push", id: content.id });
        if (answers.some((answer) => answer.isShown)) return;
        const found = answers.find((answer) => answer.notification)?.notification;
        await show(content.title ? content : await withText(content, state, found));
    }

    /** @param {any} data @returns {PushContent | null} */
    function parse(data) {
        try {
            const content = data.json();
            return typeof content?.id === "string" ? content : null;
        } catch {
            return null;
        }
    }

    /** @param {PushContent} content */
    async function show({ id, tag, title, body, url, actions, locale }) {
        const language = locale.startsWith("de") ? "de" : "en";
        await worker.registration.showNotification(title || FALLBACK_TITLES[language], {
            body: body ?? "",
            tag,
            lang: locale,
            renotify: true,
            actions: actions ?? [],
            data: { id, url },
        });
    }

    /** Return a push with what its notification says, if that can be had. */
    async function withText(
        /** @type {PushContent} */ content,
        /** @type {PushState} */ state,
        /** @type {any} */ found,
    ) {
        const path = `/v1/notifications/${encodeURIComponent(content.id)}`;
        const notification = found ?? (await request(state, path).catch(() => null));
        if (!notification) return content;
        const actions = (notification.actions ?? []).map((/** @type {any} */ each) => ({
            action: each.name,
            title: each.label,
        }));
        return {
            ...content,
            title: notification.title,
            body: notification.message,
            url: notification.entity?.url,
            actions,
        };
    }

    /** Close what was read elsewhere since it was shown. @param {PushState} state */
    async function closeRead(state) {
        const shown = await worker.registration.getNotifications();
        if (!shown.length) return;
        const path = `/v1/notifications?state=unread&limit=${LISTED}`;
        const page = await request(state, path).catch(() => null);
        if (!page || page.next) return;
        const unread = new Set(page.notifications.map((/** @type {any} */ each) => each.id));
        for (const each of shown) if (each.data?.id && !unread.has(each.data.id)) each.close();
    }

    /** Mark or press, and open the page that a notification is about. */
    async function handleClick(/** @type {any} */ notification, /** @type {string} */ action) {
        notification.close();
        const { id, url } = notification.data ?? {};
        const deed = action ? { id, action } : { id };
        // A window opens only within moments of a click, so it comes first.
        const opened = action ? null : openPage(url);
        const isRecorded = id ? await record(deed) : true;
        if (!isRecorded && action) await openPage(url);
        await opened;
    }

    /** Record a deed by a page or a request; keep it for the next page if neither can. */
    async function record(/** @type {Deed} */ deed) {
        const answers = await askPages({ tidings: "deed", deed });
        if (answers.some((answer) => answer.isTaken)) return true;
        const state = await readState();
        try {
            await postDeed(state, deed);
            return true;
        } catch {
            await changeState((kept) => ({ deeds: [...(kept.deeds ?? []), deed].slice(-LISTED) }));
            return false;
        }
    }

    /** @param {PushState} state @param {Deed} deed */
    function postDeed(state, { id, action }) {
        const path = `/v1/notifications/${encodeURIComponent(id)}/actions/`;
        return action
            ? request(state, path + encodeURIComponent(action), {})
            : request(state, "/v1/notifications/mark", { state: "read", ids: [id] });
    }

    /** Focus the window that shows an address, or open one. @param {string | undefined} url */
    async function openPage(url) {
        const target = new URL(url ?? "", worker.registration.scope);
        if (!/^https?:$/.test(target.protocol)) return;
        const windows = await listPages();
        const same = windows.find((/** @type {any} */ each) => each.url === target.href);
        const any = url ? same : (same ?? windows[0]);
        try {
            await (any ? any.focus() : worker.clients.openWindow(target.href));
        } catch {
            // The browser no longer takes it for the person's own act.
        }
    }

    /** Subscribe anew; a page registers it if no cookie says whose it is. */
    async function renew(/** @type {any} */ event) {
        const { applicationServerKey } = event.oldSubscription?.options ?? {};
        const options = { userVisibleOnly: true, applicationServerKey };
        const manager = worker.registration.pushManager;
        const fresh =
            event.newSubscription ??
            (applicationServerKey && (await manager.subscribe(options).catch(() => null)));
        await changeState(() => ({ stale: true }));
        if (!fresh) return;
        const { endpoint, keys } = fresh.toJSON();
        const body = { kind: "webpush", subscription: { endpoint, ...keys } };
        const state = await readState();
        const registered = await request(state, "/v1/devices", body).catch(() => null);
        if (!registered) return;
        await changeState(() => ({ stale: false, device: registered.device_id }));
        if (state.device && state.device !== registered.device_id)
            await request(state, `/v1/devices/${state.device}`, null, "DELETE").catch(() => null);
    }

    /** @param {{tidings?: string, state?: PushState}} message */
    async function answerPage({ tidings, state }) {
        if (tidings === "state") return changeState(() => state ?? {});
        if (tidings !== "deeds") return null;
        const { deeds = [] } = await readState();
        await changeState(() => ({ deeds: [] }));
        return deeds;
    }

    /** Ask all pages, and return what they answer in time. @param {object} question */
    async function askPages(question) {
        const answers = (await listPages()).map(
            (/** @type {any} */ page) =>
                new Promise((resolve) => {
                    const { port1, port2 } = new MessageChannel();
                    port1.onmessage = ({ data }) => resolve(data ?? {});
                    setTimeout(() => resolve({}), PAGE_MILLISECONDS);
                    page.postMessage(question, [port2]);
                }),
        );
        return /** @type {Promise<any[]>} */ (Promise.all(answers));
    }

    /** @returns {Promise<any[]>} */
    function listPages() {
        return worker.clients.matchAll({ type: "window", includeUncontrolled: true });
    }

    /**
     * Ask the edge, with the cookie of the person. Raises Error.
     * @param {PushState} state
     * @param {string} path
     * @param {object | null} [body]
     * @param {string} [method]
     */
    async function request({ edge }, path, body, method = body ? "POST" : "GET") {
        if (!edge) throw new Error("no page said where the edge is");
        const response = await fetch(edge + path, {
            method,
            ...(body && { body: JSON.stringify(body) }),
            headers: { "content-type": "application/json" },
            credentials: "include",
            signal: AbortSignal.timeout(REQUEST_MILLISECONDS),
        });
        if (!response.ok) throw new Error(`the edge answers ${response.status}`);
        return response.json();
    }

    /** @returns {Promise<PushState>} */
    function readState() {
        return inStore("readonly", (store) => store.get("state")).then((state) => state ?? {});
    }

    /** Change what is kept; an empty change keeps it. */
    async function changeState(/** @type {(kept: PushState) => PushState} */ change) {
        const kept = await readState();
        const state = { ...kept, ...change(kept) };
        await inStore("readwrite", (store) => store.put(state, "state"));
        return state;
    }

    /**
     * @param {IDBTransactionMode} mode
     * @param {(store: IDBObjectStore) => IDBRequest} act
     * @returns {Promise<any>}
     */
    function inStore(mode, act) {
        return new Promise((resolve, reject) => {
            const opening = indexedDB.open("tidings-push", 1);
            opening.onupgradeneeded = () => opening.result.createObjectStore("values");
            opening.onerror = () => reject(opening.error);
            opening.onsuccess = () => {
                const request = act(
                    opening.result.transaction("values", mode).objectStore("values"),
                );
                request.onsuccess = () => resolve(request.result);
                request.onerror = () => reject(request.error);
                request.transaction?.addEventListener("complete", () => opening.result.close());
            };
        });
    }
}
