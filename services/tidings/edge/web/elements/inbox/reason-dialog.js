// Reason dialog: why a person has a notification, and what was sent of it beyond the list.

import { deliveryText } from "../delivery-text.js";
import { createNode, setText } from "../dom.js";
import { reasonText } from "./reason.js";

/** @import {Notification} from "../../client/protocol.js" */
/** @import {Delivery} from "../delivery-text.js" */
/** @import {Inbox} from "./inbox.js" */

/**
 * Create what the dialog says; the deliveries follow once the edge has answered.
 * @param {Inbox} inbox
 * @param {Notification} notification
 * @param {() => void} onAnswer
 * @returns {HTMLElement[]}
 */
export function createReason(inbox, notification, onAnswer) {
    const list = createNode("ul", { class: "deliveries" });
    list.append(createNode("li", {}, "…"));
    showDeliveries(inbox, notification, list).then(onAnswer);
    return [
        createNode("strong", {}, inbox.text("why")),
        createNode("p", {}, reasonText(inbox.messages, notification)),
        createNode("strong", {}, inbox.text("sentWhere")),
        createNode("div", { role: "status" }, list),
    ];
}

/**
 * @param {Inbox} inbox
 * @param {Notification} notification
 * @param {HTMLElement} list
 */
async function showDeliveries(inbox, { id }, list) {
    const lines = await fetchLines(inbox, id).catch(() => [inbox.text("sentUnknown")]);
    const items = (lines.length ? lines : [inbox.text("sentNothing")]).map((line) => {
        const item = createNode("li");
        setText(item, line);
        return item;
    });
    list.replaceChildren(...items);
}

/** @param {Inbox} inbox @param {string} id @returns {Promise<string[]>} */
async function fetchLines(inbox, id) {
    const { client, messages, now } = inbox;
    if (!client) return [];
    const path = `/v1/deliveries?notification=${encodeURIComponent(id)}`;
    const answer = await client.request(path);
    const deliveries = /** @type {Delivery[]} */ (answer.deliveries);
    const isRead = Boolean(client.find(id)?.read);
    return deliveries
        .reverse()
        .map((delivery) => deliveryText(messages, foreseen(delivery, isRead), now));
}

/**
 * Return a delivery as it will be: what waits to be read is dropped when it is due, if it was read.
 * @param {Delivery} delivery
 * @param {boolean} isRead
 * @returns {Delivery}
 */
function foreseen(delivery, isRead) {
    if (!isRead || delivery.state !== "held" || delivery.summary) return delivery;
    return { ...delivery, state: "dropped", why: { code: "read", row: null } };
}
