// Names of what a browser keeps and shares: different people never share one.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
    encodeName,
    isOtherPerson,
    personAccount,
    storageName,
} from "../../services/tidings/edge/web/client/names.js";
import { withDefaults } from "../../services/tidings/edge/web/client/options.js";
import { groupName } from "../../services/tidings/edge/web/sharing/leader-election.js";

const ODD = [
    "a",
    "a/b",
    "b",
    "a b",
    " ",
    "%2F",
    "a%2Fb",
    "ä",
    "\ud800",
    "\ud801",
    '"',
    "\\",
    "👩‍🚀",
];
const EDGES = ["https://example.org", "https://example.org/a", "https://example.org/a/b"];

test("every pair of tenant and user, every account of a page, every edge has its own names", () => {
    const people = ODD.flatMap((tenant) => ODD.map((sub) => personAccount({ tenant, sub })));
    const accounts = [...people, ...ODD.map(encodeName)];
    const names = EDGES.flatMap((url) =>
        accounts.flatMap((account) => [storageName(url, account), groupName({ url, account })]),
    );

    assert.equal(new Set(names).size, 2 * EDGES.length * (ODD.length ** 2 + ODD.length));
    assert.equal(personAccount({ tenant: "acme" }), "", "a token that names no user");
});

test("a status of another tenant or user is of another person; what it does not say is not", () => {
    const ann = { tenant: "acme", user: "ann" };

    assert.ok(isOtherPerson(ann, { tenant: "rival", user: "ann" }));
    assert.ok(isOtherPerson(ann, { tenant: "acme", user: "bob" }));
    assert.ok(!isOtherPerson(ann, { ...ann }));
    assert.ok(!isOtherPerson(ann, { tenant: null, user: "ann" }));
    assert.ok(!isOtherPerson(ann, { tenant: null, user: null }));
});

test("the path of the edge's address is kept, whatever follows it is not", () => {
    const url = (given) => withDefaults({ url: given }).url;

    assert.equal(url("https://example.org"), "https://example.org");
    assert.equal(url("https://example.org/notify/"), "https://example.org/notify");
    assert.equal(url("https://example.org:8443/a/b?x=1#y"), "https://example.org:8443/a/b");
});

test("a client that is loaded from below a path asks the edge there", async () => {
    globalThis.location = { href: "https://example.org/page/" };
    const relative = withDefaults({ url: "/notify" }).url;
    delete globalThis.location;
    const { addressOfModule } = await import("../../services/tidings/edge/web/client/options.js");

    assert.equal(relative, "https://example.org/notify");
    assert.equal(
        addressOfModule("https://example.org/notify/web/client/options.js"),
        "https://example.org/notify",
    );
    assert.equal(
        addressOfModule("https://example.org/web/client/options.js?v=1"),
        "https://example.org",
    );
    assert.equal(addressOfModule("https://cdn.example/assets/page.4f2.js"), "https://cdn.example");
});
