// Placeholders: what is below the last row, or in place of rows while there are none.

import { createNode } from "../dom.js";
import { createIcon } from "../icons.js";

/** @import {MessageName} from "../messages.js" */
/** @import {ListName} from "./filter-tabs.js" */
/** @import {Inbox} from "./inbox.js" */

/**
 * Title, text and icon of an empty list.
 * @type {Record<ListName, [MessageName, MessageName, string]>}
 */
const EMPTY_LISTS = {
    all: ["emptyAll", "emptyAllMore", "inbox"],
    unread: ["emptyUnread", "emptyUnreadMore", "check"],
    archived: ["emptyArchived", "emptyArchivedMore", "archive"],
    snoozed: ["emptySnoozed", "emptySnoozedMore", "clock"],
};
const SKELETON_ROWS = 4;

/** Create grey shapes of rows, shown while the first ones are loaded. */
export function createSkeleton() {
    const createRow = () => {
        const shapes = Array.from({ length: 3 }, () => createNode("i"));
        return createNode("div", { class: "skeleton" }, ...shapes);
    };
    const rows = Array.from({ length: SKELETON_ROWS }, createRow);
    return createNode("div", { "aria-hidden": "true", class: "wide" }, ...rows);
}

/** @param {Inbox} inbox */
export function createEmptyState(inbox) {
    const [title, text, icon] = EMPTY_LISTS[inbox.list];
    const more = createNode("span", {}, inbox.text(text));
    return createNotice(icon, inbox.text(title), more);
}

/** @param {Inbox} inbox @param {() => void} retry */
export function createFailedState(inbox, retry) {
    const button = createPlainButton(inbox.text("retry"), retry);
    return createNotice("warning", inbox.text("failed"), button);
}

/** @param {string} label @param {() => void} onclick */
export function createPlainButton(label, onclick) {
    return createNode("button", { class: "plain", type: "button", onclick }, label);
}

/** @param {string} icon @param {string} title @param {Node} below */
function createNotice(icon, title, below) {
    const sign = createNode("div", { class: "sign" }, createIcon(icon));
    return createNode("div", { class: "empty" }, sign, createNode("strong", {}, title), below);
}
