// Ended: why a connection ended, and with it when and how to come back.

/** The code is that of a close (README, close codes), or an HTTP status, or 0 if nothing answered. */
export class Ended extends Error {
    /**
     * @param {number} code
     * @param {string} reason
     * @param {number | null} [afterMilliseconds] not before; null if nobody says
     */
    constructor(code, reason, afterMilliseconds = null) {
        super(reason);
        this.code = code;
        this.afterMilliseconds = afterMilliseconds;
    }

    /** Whether another token is what it takes. */
    get needsToken() {
        return [401, 403, 4001, 4002, 4003].includes(this.code);
    }

    /** Whether coming back is of no use before something is mended. */
    get final() {
        return (this.code >= 4500 && this.code < 5000) || this.code === 400 || this.code === 404;
    }

    /** Whether it says so itself that coming back at once is right. */
    get planned() {
        return [4100, 4101, 4103, 4106].includes(this.code);
    }
}

/**
 * What an answer that is not as hoped says of itself.
 * @param {Response} response
 */
export async function refusal(response) {
    const body = await response.json().catch(() => ({}));
    const seconds = Number(response.headers.get("retry-after"));
    const ended = new Ended(response.status, body.detail ?? response.statusText, seconds > 0 ? seconds * 1000 : null);
    return Object.assign(ended, { body });
}
