// Delivery text: what became of a notification beyond the page, in words.

import { parseRow, scopeText } from "./preferences/choices.js";

/** @import {MessageName, Messages} from "./messages.js" */

/**
 * A delivery as `GET /v1/deliveries` lists it. `until`: when a held one is due; `why`: of a held or
 * dropped one, with the setting that decided.
 * @typedef {object} Delivery
 * @property {string} id
 * @property {string} channel
 * @property {string | null} address as it may be shown
 * @property {boolean} summary
 * @property {"held" | "ordered" | "dropped" | "claimed" | "sent" | "deferred" | "failed" |
 *     "doubtful"} state
 * @property {string | null} until
 * @property {{code: string, row: string | null} | null} why
 * @property {string | null} code
 * @property {string} changed
 */

/** @type {Record<string, string>} */
const KINDS = { email: "email", webhook: "webhook", chat: "chat", escalation: "escalation" };
const PUSH = "push";
/** @type {Record<Delivery["state"], string>} */
const ENDINGS = {
    held: "Held",
    ordered: "Sending",
    claimed: "Sending",
    dropped: "Dropped",
    sent: "Sent",
    deferred: "Deferred",
    failed: "Failed",
    doubtful: "Doubtful",
};
const HALF_DAY_MILLISECONDS = 43_200_000;

/**
 * Say what became of a delivery.
 * @param {Messages} messages
 * @param {Delivery} delivery
 * @param {number} now milliseconds since 1970
 */
export function deliveryText(messages, delivery, now) {
    const { channel, state, until, why, changed, summary, code } = delivery;
    const isSummary = summary && (state === "sent" || why?.code === "digest");
    const name = `${KINDS[channel] ?? PUSH}${isSummary ? "Summary" : ""}${ENDINGS[state]}`;
    return messages.text(/** @type {MessageName} */ (name), {
        time: momentText(messages, until ?? changed, now),
        address: delivery.address ?? messages.text("withdrawnAddress"),
        reason: reasonText(messages, why),
        code: code ?? "",
    });
}

/**
 * Say at what time something was or will be: the day only if it is not near.
 * @param {Messages} messages
 * @param {string} moment ISO 8601
 * @param {number} now milliseconds since 1970
 */
export function momentText(messages, moment, now) {
    const date = new Date(moment);
    const format = (/** @type {Intl.DateTimeFormatOptions} */ options) =>
        new Intl.DateTimeFormat(messages.language, options).format(date);
    const clock = format({ hour: "2-digit", minute: "2-digit" });
    const isNear = Math.abs(date.getTime() - now) < HALF_DAY_MILLISECONDS;
    if (isNear) return messages.text("atTime", { clock });
    const day = format({ weekday: "short", day: "numeric", month: "short" });
    return messages.text("onDay", { day, clock });
}

/** @param {Messages} messages @param {Delivery["why"]} why */
function reasonText(messages, why) {
    if (!why) return "";
    const camel = `_${why.code}`.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
    const row = why.row ? parseRow(why.row) : null;
    const of = row ? scopeText(messages, row.of) : (why.row ?? "");
    const text = messages.text(/** @type {MessageName} */ (`reason${camel}`), { of });
    return text || why.code.replaceAll("_", " ");
}
