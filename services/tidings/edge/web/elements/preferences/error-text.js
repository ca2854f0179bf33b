// Error text: why a change of settings was not made, in words.

import { Unauthorised } from "../../client/close-reason.js";

/** @import {MessageName, Messages} from "../messages.js" */

/** @type {Record<number, MessageName>} */
const MESSAGES_BY_STATUS = {
    401: "signedOut",
    403: "signedOut",
    404: "errorGone",
    412: "errorElsewhere",
    429: "errorTooOften",
};
/** The type of the problem. */
const LOCKED = /#locked$/;

/**
 * Say why a request was refused, or that it reached nobody.
 * @param {Messages} messages
 * @param {unknown} error
 */
export function errorText(messages, error) {
    if (error instanceof Unauthorised) return messages.text("signedOut");
    const {
        code = 0,
        body,
        message,
    } = /** @type {{code?: number, body?: any, message?: string}} */ (error ?? {});
    if (LOCKED.test(body?.type ?? "")) return messages.text("errorLocked");
    if (MESSAGES_BY_STATUS[code]) return messages.text(MESSAGES_BY_STATUS[code]);
    if (code < 400 || code >= 500) return messages.text("errorOffline");
    return messages.text("errorInvalid", { error: message ?? "" });
}
