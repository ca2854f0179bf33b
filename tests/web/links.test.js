// Links of notifications: only addresses of pages are followed, and a foreign host is said.

import assert from "node:assert/strict";
import { test } from "node:test";

import { foreignHost, pageAddress } from "../../services/tidings/edge/web/elements/dom.js";

globalThis.location = { href: "https://example.org/tasks", host: "example.org" };

test("an address is followed only if it is a page's", () => {
    assert.equal(pageAddress("/tasks/7"), "https://example.org/tasks/7");
    assert.equal(pageAddress("https://other.example/a"), "https://other.example/a");
    for (const url of [
        "javascript:alert(1)",
        "data:text/html,a",
        "blob:a",
        "http://[",
        "",
        undefined,
    ])
        assert.equal(pageAddress(url), null, url);
});

test("the host of a link is said where it leads away from the page's own", () => {
    assert.equal(foreignHost("/tasks/7"), null);
    assert.equal(foreignHost("https://example.org/a"), null);
    assert.equal(foreignHost("https://other.example:8443/a"), "other.example:8443");
    assert.equal(foreignHost("javascript:alert(1)"), null);
});

test("the elements can be imported on a server, where they define nothing", async () => {
    const { Bell, Inbox, Toasts } = await import("../../services/tidings/edge/web/elements.js");

    assert.deepEqual(
        [Bell, Inbox, Toasts].map(({ name }) => name),
        ["Bell", "Inbox", "Toasts"],
    );
    assert.equal(globalThis.customElements, undefined);
});
