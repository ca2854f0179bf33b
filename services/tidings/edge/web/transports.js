// Transports: the same frames by WebSocket, by event stream, and by asking again and again; the first that works is taken.

import { Ended, refusal } from "./ended.js";

/** @import {Cursor, Frame} from "./protocol.js" */

/**
 * What a connection needs; `sends` is called with how to send a frame, where that can be done.
 * @typedef {object} Line
 * @property {string} url
 * @property {string | null} token null: the cookie says who is asking
 * @property {Cursor | null} cursor
 * @property {string} device
 * @property {string} [partition]
 * @property {AbortSignal} signal
 * @property {(send: (frame: object) => void) => void} sends
 */

const POLL_MILLISECONDS = 10_000;
const OPEN_MILLISECONDS = 10_000;

/** @type {Record<string, (line: Line) => AsyncGenerator<Frame, void, undefined>>} */
export const TRANSPORTS = { socket, stream, log };

/**
 * Frames by WebSocket; the token goes into the first one, never into the address.
 * @param {Line} line
 */
async function* socket(line) {
    const address = place(line, "/v1/socket");
    const opened = new WebSocket(address.href.replace(/^http/, "ws"), ["tidings.v1"]);
    const mailbox = new Mailbox();
    opened.onopen = () => {
        if (line.token) opened.send(JSON.stringify({ type: "auth", token: line.token }));
        line.sends((frame) => opened.readyState === WebSocket.OPEN && opened.send(JSON.stringify(frame)));
    };
    opened.onmessage = ({ data }) => mailbox.put(JSON.parse(data));
    opened.onclose = ({ code, reason }) => mailbox.end(new Ended(code < 4000 ? 0 : code, reason, seconds(reason)));
    line.signal.addEventListener("abort", () => mailbox.end(new Ended(0, "closed")));
    try {
        yield* mailbox;
    } finally {
        opened.onclose = opened.onmessage = null;
        opened.close(1000);
    }
}

/**
 * Frames by an event stream that is read with fetch, which can send a header (WHATWG HTML, section 9.2).
 * @param {Line} line
 */
async function* stream(line) {
    const address = place(line, "/v1/stream");
    const response = await ask(address, line, { accept: "text/event-stream" });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).pipeThrough(decoder()).getReader();
    let text = "";
    try {
        for (let part = await read(reader); !part.done; part = await read(reader)) {
            const events = (text + part.value).split("\n\n");
            text = events.pop() ?? "";
            for (const event of events) yield* framesOf(event);
        }
        throw new Ended(0, "the stream ended");
    } finally {
        reader.cancel().catch(() => {});
    }
}

/**
 * Frames by asking for what came after the cursor, again and again.
 * @param {Line} line
 */
async function* log(line) {
    let cursor = line.cursor;
    let tag = "";
    for (;;) {
        const address = place({ ...line, device: "", cursor: null }, "/v1/log");
        if (cursor) address.searchParams.set("after", cursor);
        const response = await ask(address, line, tag ? { "if-none-match": tag } : {}, [304, 410]);
        if (response.status === 410) {
            const { reason } = await response.json();
            yield { type: "reset", reason };
            [cursor, tag] = [null, ""];
            continue;
        }
        const frame = response.status === 304 ? null : await response.json();
        if (frame) yield frame;
        cursor = frame?.cursor ?? cursor;
        tag = response.headers.get("etag") ?? "";
        if (frame?.more) continue;
        yield { type: "live", cursor: /** @type {Cursor} */ (cursor) };
        await sleep(POLL_MILLISECONDS * (0.75 + Math.random() / 2), line.signal);
    }
}

/**
 * @param {string} event the lines of one event
 * @returns {Generator<Frame>}
 */
function* framesOf(event) {
    const data = event.split("\n").find((each) => each.startsWith("data: "));
    if (!data) return;
    const frame = JSON.parse(data.slice(6));
    if (frame.type === "error" && Number(frame.code)) throw new Ended(Number(frame.code), frame.message, seconds(frame.message));
    yield frame;
}

/** A transform from bytes to text. */
function decoder() {
    return /** @type {ReadableWritablePair<string, Uint8Array>} */ (/** @type {unknown} */ (new TextDecoderStream()));
}

/**
 * @param {ReadableStreamDefaultReader<string>} reader
 */
async function read(reader) {
    try {
        return await reader.read();
    } catch (error) {
        throw new Ended(0, String(error));
    }
}

/**
 * @param {URL} address
 * @param {Line} line
 * @param {Record<string, string>} headers
 * @param {number[]} [welcome] statuses beside 200 that the caller knows what to do with
 */
async function ask(address, line, headers, welcome = []) {
    const late = setTimeout(() => waiting.abort(), OPEN_MILLISECONDS);
    const waiting = new AbortController();
    const stop = () => waiting.abort();
    line.signal.addEventListener("abort", stop);
    try {
        const credential = /** @type {Record<string, string>} */ (line.token ? { authorization: `Bearer ${line.token}` } : {});
        const options = { headers: { ...headers, ...credential }, signal: waiting.signal };
        const response = await fetch(address, { ...options, credentials: line.token ? "omit" : "include", cache: "no-store" });
        if (response.ok || welcome.includes(response.status)) return response;
        throw await refusal(response);
    } catch (error) {
        throw error instanceof Ended ? error : new Ended(0, String(error));
    } finally {
        clearTimeout(late);
    }
}

/**
 * @param {Line} line
 * @param {string} path
 */
function place({ url, device, cursor, partition }, path) {
    const address = new URL(path, url);
    const query = Object.entries({ device, cursor, partition });
    for (const [name, value] of query) if (value) address.searchParams.set(name, value);
    return address;
}

/** @param {string} reason */
function seconds(reason) {
    const named = /back in (\d+) s/.exec(reason);
    return named ? Number(named[1]) * 1000 : null;
}

/**
 * Wait, but no longer than the signal allows; then raises Ended.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(milliseconds, signal) {
    return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new Ended(0, "closed"));
        const stop = () => (clearTimeout(timer), reject(new Ended(0, "closed")));
        const timer = setTimeout(() => (signal.removeEventListener("abort", stop), resolve()), milliseconds);
        signal.addEventListener("abort", stop, { once: true });
    });
}

/** What has arrived and was not looked at yet; it is filled by a socket as fast as the other side sends, and the edge sends no faster than it is read. */
class Mailbox {
    /** @type {Frame[]} */ #frames = [];
    /** @type {Ended | null} */ #ended = null;
    /** @type {() => void} */ #wake = () => {};

    /** @param {Frame} frame */
    put(frame) {
        this.#frames.push(frame);
        this.#wake();
    }

    /** @param {Ended} ended */
    end(ended) {
        this.#ended ??= ended;
        this.#wake();
    }

    async *[Symbol.asyncIterator]() {
        for (;;) {
            const frame = this.#frames.shift();
            if (frame) yield frame;
            else if (this.#ended) throw this.#ended;
            else await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
        }
    }
}
