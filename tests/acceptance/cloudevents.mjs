// Sends events in every mode of the JavaScript SDK, and prints the status and receipt of each.
import { createRequire } from "node:module";

const [npm, url, token] = process.argv.slice(2);
const { CloudEvent, HTTP } = createRequire(`${npm}/`)("cloudevents");

const data = { title: "Hello", message: "there", to: { users: ["alice"] } };
const make = (id, more = {}) =>
    new CloudEvent({ id, source: "/js", type: "announcement.published", data, ...more });
const bytes = new TextEncoder().encode(JSON.stringify(data));

const messages = {
    structured: HTTP.structured(make("structured")),
    binary: HTTP.binary(make("binary")),
    relayed: HTTP.structured(HTTP.toEvent(HTTP.binary(make("relayed")))),
    parameters: HTTP.structured(
        make("parameters", { datacontenttype: "application/json; charset=utf-8" }),
    ),
    suffix: HTTP.binary(make("suffix", { datacontenttype: "application/vnd.news+json" })),
    base64: HTTP.structured(
        make("base64", { datacontenttype: "application/json", data: bytes }),
    ),
    bytes: HTTP.binary(make("bytes", { datacontenttype: "application/json", data: bytes })),
    batch: {
        headers: { "content-type": "application/cloudevents-batch+json; charset=utf-8" },
        body: JSON.stringify([make("first"), make("second")]),
    },
    empty: { headers: { "content-type": "application/cloudevents-batch+json" }, body: "[]" },
};
for (const [mode, { headers, body }] of Object.entries(messages)) {
    const answer = await fetch(`${url}/v1/events`, {
        method: "POST",
        headers: { ...headers, authorization: `Bearer ${token}` },
        body,
    });
    console.log(JSON.stringify([mode, answer.status, await answer.json()]));
}
