// Address section: where mails and messages go, and whether they arrive there.

import { createNode, setText } from "../dom.js";
import { addressChange, addressRemoval } from "./changes.js";
import { channelText } from "./choices.js";
import { createButton, createField, createSection, createSelect } from "./section.js";

/** @import {MessageName} from "../messages.js" */
/** @import {Preferences} from "./preferences.js" */
/** @import {OwnAddress, SettingsState} from "./settings-types.js" */

/** @type {OwnAddress["channel"][]} */
const CHANNELS = ["email", "webhook", "chat"];
const SERVICES = [
    ["slack", "Slack"],
    ["teams", "Microsoft Teams"],
    ["discord", "Discord"],
    ["mattermost", "Mattermost"],
    ["ntfy", "ntfy"],
    ["apprise", "Apprise"],
];
/** @type {Record<OwnAddress["channel"], MessageName>} */
const LABELS = { email: "addressEmail", webhook: "addressWebhook", chat: "addressChat" };

export class AddressSection {
    #host;
    #none;
    #list = createNode("ul", { class: "list" });
    #channel;
    #service;
    #serviceField;
    #address = createNode("input", { autocomplete: "email", "aria-describedby": "address-fault" });
    #addressField;
    #fault = createNode("p", { class: "fault", id: "address-fault", hidden: true });
    #shown = "";
    element;

    /** @param {Preferences} host */
    constructor(host) {
        this.#host = host;
        this.#none = createNode("p", {}, host.text("addressesNone"));
        this.#channel = createSelect(
            CHANNELS.map((channel) => [channel, channelText(host.messages, channel)]),
            { onchange: () => this.#renderForm() },
        );
        this.#service = createSelect(/** @type {[string, string][]} */ (SERVICES));
        this.#serviceField = createField(host.text("addressService"), this.#service);
        this.#addressField = createField("", this.#address);
        this.element = createSection(
            host,
            "addressesTitle",
            this.#none,
            this.#list,
            createNode("h4", {}, host.text("addressNew")),
            this.#createForm(),
            this.#fault,
        );
        this.#renderForm();
    }

    /** @param {SettingsState} state */
    render({ addresses }) {
        this.#none.hidden = addresses.some(({ channel }) => channel === "email");
        const shown = JSON.stringify(addresses);
        if (shown === this.#shown) return;
        this.#shown = shown;
        const focused = /** @type {HTMLElement | null} */ (this.#list.querySelector(":focus"));
        this.#list.replaceChildren(...addresses.map((it) => this.#createItem(it)));
        if (focused) this.#findAgain(focused).focus();
    }

    #createForm() {
        const onsubmit = (/** @type {Event} */ event) => {
            event.preventDefault();
            this.#submit();
        };
        const label = this.#host.text("addressAdd");
        return createNode(
            "form",
            { class: "line", onsubmit, novalidate: true },
            createField(this.#host.text("addressChannel"), this.#channel),
            this.#serviceField,
            this.#addressField,
            createButton(label, () => {}, { type: "submit", class: "primary" }),
        );
    }

    #renderForm() {
        const channel = /** @type {OwnAddress["channel"]} */ (this.#channel.value);
        const isMail = channel === "email";
        this.#address.type = isMail ? "email" : "url";
        this.#address.autocomplete = isMail ? "email" : "off";
        this.#address.placeholder = isMail ? "name@example.org" : "https://";
        this.#serviceField.hidden = channel !== "chat";
        const text = /** @type {HTMLElement} */ (this.#addressField.firstElementChild);
        setText(text, this.#host.text(LABELS[channel]));
        this.#showFault("");
    }

    async #submit() {
        const { client } = this.#host;
        const address = this.#address.value.trim();
        if (!address) return this.#showFault(this.#host.text("addressMissing"));
        if (!client) return;
        const channel = /** @type {OwnAddress["channel"]} */ (this.#channel.value);
        const given = { channel, address, ...(channel === "chat" && this.#chosenService) };
        const sent = this.#host.text("addressSent", { address });
        const isDone = await this.#host.change(addressChange(client, given), sent);
        if (isDone) this.#address.value = "";
        this.#showFault(isDone ? "" : this.#host.saidText);
    }

    get #chosenService() {
        return { service: this.#service.value };
    }

    /** @param {OwnAddress} address */
    #createItem(address) {
        const host = this.#host;
        const { client } = host;
        const name = address.label ? `${address.label} (${address.address})` : address.address;
        const remove = () => client && host.change(addressRemoval(client, address.id));
        const removeLabel = host.text("addressRemove", { address: address.address });
        const state = createNode("span", { class: "state" }, stateText(host, address));
        state.dataset.state = stateOf(address);
        return createNode(
            "li",
            {},
            createNode(
                "div",
                { class: "what" },
                createNode("strong", { dir: "auto" }, name),
                address.channel !== "email" && ` ${channelText(host.messages, address.channel)}`,
                state,
            ),
            stateOf(address) !== "confirmed" && this.#createAgain(address),
            createButton(host.text("take"), remove, {
                ...{ "aria-label": removeLabel, "data-of": `remove ${address.id}` },
                disabled: address.id === "",
            }),
        );
    }

    /** @param {OwnAddress} address */
    #createAgain({ id, channel, address, service }) {
        const host = this.#host;
        const given = { channel, address, ...(service && { service }) };
        const sent = host.text("addressSent", { address });
        const again = () => host.client && host.change(addressChange(host.client, given), sent);
        return createButton(host.text("addressAgain"), again, {
            "aria-label": host.text("addressAgainLabel", { address }),
            "data-of": `again ${id}`,
            disabled: id === "",
        });
    }

    /** @param {HTMLElement} focused @returns {HTMLElement} */
    #findAgain({ dataset: { of } }) {
        const buttons = [...this.#list.querySelectorAll("button")];
        const same = buttons.find((it) => it.dataset.of === of && !it.disabled);
        return same ?? buttons.find((it) => !it.disabled) ?? this.#address;
    }

    /** @param {string} text */
    #showFault(text) {
        setText(this.#fault, text);
        this.#fault.hidden = text === "";
        this.#address.toggleAttribute("aria-invalid", text !== "");
        if (text) this.#address.focus();
    }
}

/** @param {OwnAddress} address */
function stateOf({ confirmed, suppressed }) {
    if (suppressed) return "stopped";
    return confirmed ? "confirmed" : "waiting";
}

/** @param {Preferences} host @param {OwnAddress} address */
function stateText(host, { confirmed, suppressed }) {
    if (!suppressed) return host.text(confirmed ? "addressConfirmed" : "addressWaiting");
    const code = suppressed.code ?? suppressed.reason;
    return host.text(suppressed.reason === "bounced" ? "addressBounced" : "addressStopped", {
        code,
    });
}
