// Alerts: sounds and desktop notifications, each only once the person turned it on.

import { accountOf } from "../client/names.js";

/** @import {Tidings} from "../client.js" */
/** @import {Notification as TidingsNotification} from "../client/protocol.js" */
/** @typedef {"sound" | "desktop"} AlertKind */
/** @typedef {Record<AlertKind, boolean>} AlertSettings */

const STORAGE_KEY = "tidings alerts";
const VOLUME = 0.3;
const TONE_SECONDS = 0.3;
const TONE_GAP_SECONDS = 0.12;
const FADE_SECONDS = 0.5;
/**
 * Frequencies in hertz by priority, played one after the other.
 * @type {Record<string, number[]>}
 */
const TONES = { low: [], normal: [660, 880], high: [660, 880], critical: [880, 660, 880, 660] };
const LOCK_MILLISECONDS = 3000;
const HIDDEN_TAB_DELAY_MILLISECONDS = 150;

export class Alerts {
    /** @type {WeakMap<Tidings, Alerts>} */ static #byClient = new WeakMap();
    /** @type {AlertSettings} */ settings = { sound: false, desktop: false, ...storedSettings() };
    /** How to close each desktop notification, by id. @type {Map<string, () => void>} */
    #closers = new Map();
    /** @type {AudioContext | null} */ #audio = null;

    /**
     * Return the alerts of a client; they begin with the first call.
     * @param {Tidings | null} client
     */
    static forClient(client) {
        const known = client && Alerts.#byClient.get(client);
        if (known) return known;
        const alerts = new Alerts();
        if (!client) return alerts;
        Alerts.#byClient.set(client, alerts);
        alerts.#listenTo(client);
        return alerts;
    }

    /** Whether the browser refuses to show desktop notifications. */
    get isDesktopDenied() {
        return !("Notification" in globalThis) || Notification.permission === "denied";
    }

    /**
     * Turn a kind on or off; for the desktop, the browser asks the person, too.
     * @param {AlertKind} kind
     * @param {boolean} isWanted
     * @returns {Promise<boolean>} whether it is on then
     */
    async setEnabled(kind, isWanted) {
        const isEnabled = isWanted && (kind === "sound" || (await this.#requestDesktop()));
        this.settings = { ...this.settings, [kind]: isEnabled };
        try {
            localStorage.setItem(STORAGE_KEY, JSON.stringify(this.settings));
        } catch {
            // Storage is refused: the setting holds for this page.
        }
        if (isEnabled && kind === "sound") this.#playTones();
        return isEnabled;
    }

    async #requestDesktop() {
        if (this.isDesktopDenied) return false;
        // Some browsers refuse the question itself, as in a frame of another site.
        const permission = await Notification.requestPermission().catch(() => "denied");
        return permission === "granted";
    }

    /** @param {Tidings} client */
    #listenTo(client) {
        addEventListener("storage", ({ key }) => {
            if (key === STORAGE_KEY) this.settings = { ...this.settings, ...storedSettings() };
        });
        client.addEventListener("notification", (event) =>
            this.#alert(client, /** @type {CustomEvent} */ (event).detail),
        );
        client.addEventListener("change", () => this.#closeRead(client));
    }

    /**
     * @param {Tidings} client
     * @param {{notification: TidingsNotification, live: boolean}} detail
     */
    async #alert(client, { notification, live }) {
        if (!live || !(this.settings.sound || this.settings.desktop)) return;
        // As it is now: what arrived in sight needs no desktop notification a moment later.
        const wasHidden = document.hidden;
        // One tab alerts, and a visible one goes first.
        if (wasHidden) await delay(HIDDEN_TAB_DELAY_MILLISECONDS);
        const { id, cursor } = notification;
        await runInOneTab(`tidings alert ${accountOf(client)} ${id} ${cursor}`, () => {
            if (this.settings.sound) this.#playTones(notification.priority);
            if (this.settings.desktop && wasHidden && document.hidden)
                this.#showOnDesktop(notification);
        });
    }

    /** @param {TidingsNotification} notification */
    async #showOnDesktop({ id, group, title, message, priority }) {
        const isCritical = priority === "critical";
        const options = {
            ...{ body: message, tag: group ?? id },
            ...{ renotify: isCritical, requireInteraction: isCritical },
        };
        try {
            const registration = await serviceWorkerRegistration();
            if (registration) return await this.#showByWorker(registration, id, title, options);
            const notification = new Notification(title, options);
            notification.onclick = () => {
                window.focus();
                notification.close();
            };
            this.#closers.set(id, () => notification.close());
        } catch {
            // Browsers on phones raise: there only service workers may show notifications. Others
            // refuse them altogether.
        }
    }

    /**
     * @param {ServiceWorkerRegistration} registration
     * @param {string} id
     * @param {string} title
     * @param {NotificationOptions & {tag: string}} options
     */
    async #showByWorker(registration, id, title, options) {
        await registration.showNotification(title, options);
        this.#closers.set(id, async () => {
            const notifications = await registration.getNotifications({ tag: options.tag });
            for (const notification of notifications) notification.close();
        });
    }

    /** Close what was read meanwhile, here or elsewhere. @param {Tidings} client */
    #closeRead(client) {
        if (!this.#closers.size) return;
        const unread = new Set(
            client.notifications.filter(({ read }) => !read).map(({ id }) => id),
        );
        for (const [id, close] of this.#closers) {
            if (unread.has(id)) continue;
            close();
            this.#closers.delete(id);
        }
    }

    #playTones(priority = "normal") {
        // Before the first click the browser would queue all tones, and play them at once then.
        if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
        try {
            this.#audio ??= new AudioContext();
            const volume = fadingVolume(this.#audio);
            for (const [index, frequency] of (TONES[priority] ?? TONES.normal).entries())
                playTone(this.#audio, volume, frequency, index * TONE_GAP_SECONDS);
        } catch {
            // There is no audio device.
        }
    }
}

/** @param {AudioContext} audio */
function fadingVolume(audio) {
    const volume = audio.createGain();
    volume.connect(audio.destination);
    volume.gain.setValueAtTime(VOLUME, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + FADE_SECONDS);
    return volume;
}

/**
 * @param {AudioContext} audio
 * @param {AudioNode} output
 * @param {number} frequency
 * @param {number} delaySeconds
 */
function playTone(audio, output, frequency, delaySeconds) {
    const tone = new OscillatorNode(audio, { frequency, type: "sine" });
    tone.connect(output);
    tone.start(audio.currentTime + delaySeconds);
    tone.stop(audio.currentTime + delaySeconds + TONE_SECONDS);
}

/**
 * Run something in the first tab that asks. The lock is held long enough for the others to come.
 * @param {string} name
 * @param {() => void} work
 */
async function runInOneTab(name, work) {
    let isDecided = false;
    const decide = async (/** @type {Lock | null} */ lock) => {
        isDecided = true;
        if (!lock) return;
        work();
        await delay(LOCK_MILLISECONDS);
    };
    try {
        await navigator.locks.request(name, { ifAvailable: true }, decide);
    } catch {
        if (!isDecided) work(); // there are no locks, or the browser refuses them
    }
}

/** @returns {Promise<ServiceWorkerRegistration | undefined>} undefined if the browser refuses it */
async function serviceWorkerRegistration() {
    try {
        return await navigator.serviceWorker.getRegistration();
    } catch {
        return undefined;
    }
}

/** @param {number} milliseconds @returns {Promise<void>} */
function delay(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** @returns {Partial<AlertSettings>} */
function storedSettings() {
    try {
        return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}");
    } catch {
        return {};
    }
}
