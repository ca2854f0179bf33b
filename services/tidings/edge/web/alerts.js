// Alerts: sound and notifications on the desktop, each only after somebody asked for it, and from one tab alone.

import { Tidings } from "./client.js";

/** @import {Notification as Told} from "./protocol.js" */
/** @typedef {{sound: boolean, desktop: boolean}} Allowed */

const KEY = "tidings alerts";
const VOLUME = 0.3;
/** What is heard of each priority: tones in hertz, one after the other. @type {Record<string, number[]>} */
const TONES = { low: [], normal: [660, 880], high: [660, 880], critical: [880, 660, 880, 660] };
const HOLD_MILLISECONDS = 3000;
const PRECEDENCE_MILLISECONDS = 150;

export class Alerts {
    /** @type {WeakMap<Tidings, Alerts>} */ static #all = new WeakMap();
    /** @type {Allowed} */ allowed = { sound: false, desktop: false, ...kept() };
    /** How each that is shown is closed. @type {Map<string, () => void>} */ #shown = new Map();
    /** @type {AudioContext | null} */ #audio = null;

    /** Those of a client, which begin when they are first asked for. @param {Tidings | null} client */
    static of(client) {
        const known = client && Alerts.#all.get(client);
        if (known) return known;
        const alerts = new Alerts();
        if (client) {
            addEventListener("storage", ({ key }) => key === KEY && (alerts.allowed = { ...alerts.allowed, ...kept() }));
            Alerts.#all.set(client, alerts);
            client.addEventListener("notification", (event) => alerts.#tell(/** @type {CustomEvent} */ (event).detail));
            client.addEventListener("change", () => alerts.#withdraw(client));
        }
        return alerts;
    }

    /** Whether the browser refuses to show anything on the desktop. */
    get denied() {
        return !("Notification" in globalThis) || Notification.permission === "denied";
    }

    /**
     * Allow or forbid a kind; the browser asks, too. What is allowed then.
     * @param {"sound" | "desktop"} name
     * @param {boolean} wanted
     */
    async allow(name, wanted) {
        const granted = wanted && (name === "sound" || (!this.denied && (await Notification.requestPermission()) === "granted"));
        this.allowed = { ...this.allowed, [name]: granted };
        try {
            localStorage.setItem(KEY, JSON.stringify(this.allowed));
        } catch {} // it holds for this page, then
        if (granted && name === "sound") this.#ring();
        return granted;
    }

    /** @param {{notification: Told, live: boolean}} told */
    async #tell({ notification, live }) {
        if (!live || !(this.allowed.sound || this.allowed.desktop)) return;
        const outOfSight = document.hidden; // as it arrived: what was seen here needs no telling a moment later
        if (outOfSight) await new Promise((resolve) => setTimeout(resolve, PRECEDENCE_MILLISECONDS)); // a tab in sight comes first
        await alone(`tidings alert ${notification.id} ${notification.cursor}`, () => {
            if (this.allowed.sound) this.#ring(notification.priority);
            if (this.allowed.desktop && outOfSight && document.hidden) this.#show(notification);
        });
    }

    /** @param {Told} told */
    async #show({ id, group, title, message, priority }) {
        const options = { body: message, tag: group ?? id, renotify: priority === "critical", requireInteraction: priority === "critical" };
        const registration = await navigator.serviceWorker?.getRegistration().catch(() => undefined);
        if (registration) return this.#showBy(registration, id, title, options);
        try {
            const shown = new Notification(title, options);
            shown.onclick = () => (window.focus(), shown.close());
            this.#shown.set(id, () => shown.close());
        } catch {} // where only service workers may
    }

    /** @param {ServiceWorkerRegistration} registration @param {string} id @param {string} title @param {NotificationOptions & {tag: string}} options */
    async #showBy(registration, id, title, options) {
        await registration.showNotification(title, options);
        this.#shown.set(id, async () => (await registration.getNotifications({ tag: options.tag })).forEach((each) => each.close()));
    }

    /** What is read elsewhere need not be shown any longer. @param {Tidings} client */
    #withdraw(client) {
        if (!this.#shown.size) return;
        const unread = new Set(client.notifications.filter((it) => !it.read).map((it) => it.id));
        for (const [id, close] of this.#shown) if (!unread.has(id)) close(), this.#shown.delete(id);
    }

    #ring(priority = "normal") {
        if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return; // it would all sound at the first click
        try {
            const audio = (this.#audio ??= new AudioContext());
            const volume = audio.createGain();
            volume.connect(audio.destination);
            volume.gain.setValueAtTime(VOLUME, audio.currentTime);
            volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
            for (const [place, frequency] of (TONES[priority] ?? TONES.normal).entries()) {
                const tone = new OscillatorNode(audio, { frequency, type: "sine" });
                tone.connect(volume);
                tone.start(audio.currentTime + place * 0.12);
                tone.stop(audio.currentTime + place * 0.12 + 0.3);
            }
        } catch {} // where there is nothing to make a sound with
    }
}

/** Do something in one tab alone: that which is first. @param {string} name @param {() => void} work */
async function alone(name, work) {
    if (!navigator.locks) return work();
    await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
        if (!lock) return;
        work();
        await new Promise((resolve) => setTimeout(resolve, HOLD_MILLISECONDS));
    });
}

/** @returns {Partial<Allowed>} */
function kept() {
    try {
        return JSON.parse(localStorage.getItem(KEY) ?? "{}");
    } catch {
        return {};
    }
}
