// Device section: the person's browsers and phones that show notifications while no page is open.

import { canPush, disablePush, enablePush, PushRefused } from "../../push.js";
import { createNode } from "../dom.js";
import { deviceRemoval } from "./changes.js";
import { errorText } from "./error-text.js";
import { createButton, createSection } from "./section.js";

/** @import {MessageName} from "../messages.js" */
/** @import {Preferences} from "./preferences.js" */
/** @import {OwnDevice, SettingsState} from "./settings-types.js" */

/** @type {Record<string, MessageName>} */
const KINDS = { webpush: "deviceWebpush", fcm: "deviceFcm", apns: "deviceApns" };

export class DeviceSection {
    #host;
    #none;
    #list = createNode("ul", { class: "list" });
    #enable;
    #disable;
    /** Whether this browser is one of them. */ #isEnabled = false;
    #shown = "";
    element;

    /** @param {Preferences} host */
    constructor(host) {
        this.#host = host;
        this.#none = createNode("p", {}, host.text("devicesNone"));
        const enable = () => this.#run("deviceEnabled", () => enablePush(this.#options));
        const disable = () => this.#run("deviceDisabled", () => disablePush(this.#options));
        this.#enable = createButton(host.text("deviceEnable"), enable, { class: "primary" });
        this.#disable = createButton(host.text("deviceDisable"), disable);
        const buttons = createNode("div", { class: "buttons" }, this.#enable, this.#disable);
        this.element = createSection(host, "devicesTitle", this.#none, this.#list, buttons);
        this.#findSubscription();
    }

    /** @param {SettingsState} state */
    render({ devices, canPush: isOffered }) {
        this.element.hidden = !isOffered && devices.length === 0;
        this.#none.hidden = devices.length > 0;
        this.#enable.hidden = !isOffered || this.#isEnabled;
        this.#disable.hidden = !isOffered || !this.#isEnabled;
        const shown = JSON.stringify(devices);
        if (shown === this.#shown) return;
        this.#shown = shown;
        const hadFocus = this.#list.querySelector(":focus") !== null;
        this.#list.replaceChildren(...devices.map((it) => this.#createItem(it)));
        if (hadFocus) (this.#list.querySelector("button") ?? this.#enable).focus();
    }

    get #options() {
        const { client, push } = this.#host;
        return { ...(client && { client }), ...push };
    }

    /** Find out whether this browser receives pushes. */
    async #findSubscription() {
        if (!canPush()) return;
        const { scope = "/" } = this.#host.push;
        const registration = await navigator.serviceWorker.getRegistration(scope);
        const subscription = await registration?.pushManager.getSubscription();
        this.#isEnabled = Boolean(subscription);
        this.#host.requestUpdate();
    }

    /** @param {MessageName} doneName @param {() => Promise<{sequence: number}>} work */
    async #run(doneName, work) {
        const host = this.#host;
        host.say(host.text("isSaving"));
        try {
            const { sequence } = await work();
            await this.#findSubscription();
            await host.reload(sequence);
            host.say(host.text(doneName));
        } catch (error) {
            host.say(deviceErrorText(host, error), true);
        }
    }

    /** @param {OwnDevice} device */
    #createItem({ device_id: id, kind, app, suppressed }) {
        const host = this.#host;
        const name = app ?? host.text(KINDS[kind] ?? "deviceWebpush");
        const remove = () => host.client && host.change(deviceRemoval(host.client, id));
        const what = createNode("div", { class: "what" }, createNode("strong", {}, name));
        if (suppressed)
            what.append(
                createNode(
                    "span",
                    { class: "state", "data-state": "stopped" },
                    host.text("deviceStopped"),
                ),
            );
        const label = (/** @type {MessageName} */ text) => ({
            "aria-label": host.text(text, { device: name }),
        });
        return createNode(
            "li",
            {},
            what,
            createButton(host.text("deviceTest"), () => this.#test(id), label("deviceTestLabel")),
            createButton(host.text("take"), remove, label("deviceRemove")),
        );
    }

    /** @param {string} id */
    async #test(id) {
        const host = this.#host;
        const { client } = host;
        if (!client) return;
        try {
            const path = `/v1/devices/${encodeURIComponent(id)}/test`;
            const { sent, code } = await client.request(path, {});
            const failed = () => host.text("deviceTestFailed", { code: code ?? "" });
            host.say(sent ? host.text("deviceTestSent") : failed(), !sent);
        } catch (error) {
            host.say(errorText(host.messages, error), true);
        }
    }
}

/** @param {Preferences} host @param {unknown} error */
function deviceErrorText(host, error) {
    if (error instanceof PushRefused)
        return host.text(error.reason === "denied" ? "deviceDenied" : "deviceUnsupported");
    if (error instanceof DOMException) return host.text("deviceFailed", { error: error.message });
    return errorText(host.messages, error);
}
