// Close reasons: what a client reads from the text that an edge closes a connection with.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseCloseReason } from "../../services/tidings/edge/web/client/close-reason.js";

const hintsOf = ({ retryAfterMilliseconds, partition }) => [retryAfterMilliseconds, partition];

test("fields of a JSON text say when and where to reconnect", () => {
    const later = parseCloseReason(4105, '{"retry_after_seconds": 7}');
    const elsewhere = parseCloseReason(4106, '{"partition": 3, "message": "another edge"}');

    assert.deepEqual(hintsOf(later), [7000, undefined]);
    assert.deepEqual(hintsOf(elsewhere), [null, "3"]);
    assert.equal(elsewhere.message, "another edge");
});

test("words alone are the message, and are not parsed", () => {
    const reason = parseCloseReason(4105, "come back in 7 s");

    assert.deepEqual(hintsOf(reason), [null, undefined]);
    assert.equal(reason.message, "come back in 7 s");
});
