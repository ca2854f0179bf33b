// Reads a stream with @microsoft/fetch-event-source, and prints each event's data and each opening.
import { createRequire } from "node:module";

const [npm, url, token, count] = process.argv.slice(2);
// What the package wants of a browser beyond fetch: timers on `window`, and a visible document.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = createRequire(`${npm}/`)("@microsoft/fetch-event-source");

const ended = new AbortController();
let left = Number(count);
await fetchEventSource(url, {
    headers: { authorization: `Bearer ${token}` },
    signal: ended.signal,
    openWhenHidden: true,
    onopen: async () => console.log(JSON.stringify({ type: "opened" })),
    onmessage({ event, data, id }) {
        console.log(JSON.stringify({ event, id, frame: JSON.parse(data) }));
        if (--left === 0) ended.abort();
    },
});
