// Transports: the same frames by WebSocket, by event stream, and by polling the log.

import { CloseReason, hintsFrom, parseCloseReason, parseRefusal } from "./close-reason.js";
import { edgeAddress } from "./http.js";

/** @import {Cursor, Frame} from "./protocol.js" */

/**
 * What a transport needs.
 * @typedef {object} TransportRequest
 * @property {string} url
 * @property {string | null} token null: the cookie identifies the person
 * @property {Cursor | null} cursor
 * @property {string} device
 * @property {string} [partition]
 * @property {AbortSignal} signal ends the connection
 * @property {(send: (frame: object) => void) => void} onSender called where frames can be sent
 */

const POLL_INTERVAL_MILLISECONDS = 10_000;
const RESPONSE_TIMEOUT_MILLISECONDS = 10_000;

/** @type {Record<string, (request: TransportRequest) => AsyncGenerator<Frame, void, undefined>>} */
export const TRANSPORTS = { socket: readSocket, stream: readStream, log: pollLog };

/**
 * Yield the frames of a WebSocket. The token goes into the first frame: an address is written to
 * the logs of proxies.
 * @param {TransportRequest} request
 */
async function* readSocket(request) {
    const { token, signal, onSender } = request;
    const address = connectionAddress(request, "/v1/socket");
    const socket = new WebSocket(address.href.replace(/^http/, "ws"), ["tidings.v1"]);
    const queue = new FrameQueue();
    socket.onopen = () => {
        if (token) socket.send(JSON.stringify({ type: "auth", token }));
        onSender((frame) => {
            if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
        });
    };
    socket.onmessage = ({ data }) => queue.addFrame(JSON.parse(data));
    // Codes below 4000 are the browser's or a proxy's, and say nothing about this person.
    socket.onclose = ({ code, reason }) =>
        queue.endWith(parseCloseReason(code < 4000 ? 0 : code, reason));
    signal.addEventListener("abort", () => queue.endWith(new CloseReason(0, "closed")));
    try {
        yield* queue;
    } finally {
        socket.onclose = socket.onmessage = null;
        socket.close(1000);
    }
}

/**
 * Yield the frames of an event stream (WHATWG HTML, section 9.2). It is read with fetch, because
 * an EventSource cannot send a header.
 * @param {TransportRequest} request
 */
async function* readStream(request) {
    const address = connectionAddress(request, "/v1/stream");
    const response = await sendRequest(address, request, { accept: "text/event-stream" });
    const body = /** @type {ReadableStream<Uint8Array>} */ (response.body);
    const reader = body.pipeThrough(textDecoder()).getReader();
    let text = "";
    try {
        for (let chunk = await readChunk(reader); !chunk.done; chunk = await readChunk(reader)) {
            const events = (text + chunk.value).split("\n\n");
            text = events.pop() ?? "";
            for (const event of events) yield* parseEvent(event);
        }
        throw new CloseReason(0, "the connection ended");
    } finally {
        reader.cancel().catch(() => {});
    }
}

/**
 * Yield frames by asking for what follows the cursor, again and again.
 * @param {TransportRequest} request
 */
async function* pollLog(request) {
    let { cursor } = request;
    let tag = "";
    for (;;) {
        const response = await fetchLog(request, cursor, tag);
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
        await sleep(POLL_INTERVAL_MILLISECONDS * (0.75 + Math.random() / 2), request.signal);
    }
}

/**
 * @param {TransportRequest} request
 * @param {Cursor | null} cursor
 * @param {string} tag
 */
function fetchLog(request, cursor, tag) {
    const { url, partition } = request;
    const address = edgeAddress(url, "/v1/log", { partition, after: cursor });
    return sendRequest(address, request, tag ? { "if-none-match": tag } : {}, [304, 410]);
}

/**
 * Yield the frame of an event; raises CloseReason if it is the edge's last one.
 * @param {string} event the lines of one event
 * @returns {Generator<Frame>}
 */
function* parseEvent(event) {
    const line = event.split("\n").find((text) => text.startsWith("data: "));
    if (!line) return;
    const frame = JSON.parse(line.slice("data: ".length));
    // The last event of a stream that ends as planned.
    if (frame.type === "move" && frame.after_milliseconds === 0)
        throw new CloseReason(4100, "reconnect");
    // A number as its code: the edge closes, as it closes a WebSocket with that code.
    if (frame.type === "error" && Number(frame.code))
        throw new CloseReason(Number(frame.code), frame.message, hintsFrom(frame));
    yield frame;
}

/** Return a transform from bytes to text. */
function textDecoder() {
    const decoder = /** @type {unknown} */ (new TextDecoderStream());
    return /** @type {ReadableWritablePair<string, Uint8Array>} */ (decoder);
}

/** @param {ReadableStreamDefaultReader<string>} reader */
async function readChunk(reader) {
    try {
        return await reader.read();
    } catch (error) {
        throw new CloseReason(0, String(error));
    }
}

/**
 * Send a GET request; raises CloseReason if it is refused, or not answered in time.
 * @param {URL} address
 * @param {TransportRequest} request
 * @param {Record<string, string>} headers
 * @param {number[]} [expected] statuses beside 200 that the caller handles
 */
async function sendRequest(address, { token, signal }, headers, expected = []) {
    const attempt = new AbortController();
    const timer = setTimeout(() => attempt.abort(), RESPONSE_TIMEOUT_MILLISECONDS);
    // Not removed after the answer: it ends the reading of the body, too.
    signal.addEventListener("abort", () => attempt.abort());
    try {
        const response = await fetch(address, {
            headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
            credentials: token ? "omit" : "include",
            cache: "no-store",
            signal: attempt.signal,
        });
        if (response.ok || expected.includes(response.status)) return response;
        throw await parseRefusal(response);
    } catch (error) {
        throw error instanceof CloseReason ? error : new CloseReason(0, String(error));
    } finally {
        clearTimeout(timer);
    }
}

/**
 * @param {{url: string, device: string, cursor: Cursor | null, partition?: string}} request
 * @param {string} path
 */
function connectionAddress({ url, device, cursor, partition }, path) {
    return edgeAddress(url, path, { device, cursor, partition, counts: "delta" });
}

/**
 * Wait; raises CloseReason as soon as the signal is aborted.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(milliseconds, signal) {
    return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new CloseReason(0, "closed"));
        const cancel = () => {
            clearTimeout(timer);
            reject(new CloseReason(0, "closed"));
        };
        const timer = setTimeout(() => {
            signal.removeEventListener("abort", cancel);
            resolve();
        }, milliseconds);
        signal.addEventListener("abort", cancel, { once: true });
    });
}

/**
 * Frames that arrived and were not read yet. A socket fills it as fast as the edge sends; it has no
 * limit of its own, because the edge sends no faster than the browser takes.
 */
class FrameQueue {
    /** @type {Frame[]} */ #frames = [];
    /** @type {CloseReason | null} */ #reason = null;
    /** @type {() => void} */ #wake = () => {};

    /** @param {Frame} frame */
    addFrame(frame) {
        this.#frames.push(frame);
        this.#wake();
    }

    /** @param {CloseReason} reason raised once all frames are read */
    endWith(reason) {
        this.#reason ??= reason;
        this.#wake();
    }

    async *[Symbol.asyncIterator]() {
        for (;;) {
            const frame = this.#frames.shift();
            if (frame) yield frame;
            else if (this.#reason) throw this.#reason;
            else await this.#nextChange();
        }
    }

    /** @returns {Promise<void>} */
    #nextChange() {
        return new Promise((resolve) => {
            this.#wake = resolve;
        });
    }
}
