// The page's token: one request at a time, renewed before it expires, and with a timeout.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { parseClaims, Tokens } from "../../services/tidings/edge/web/client/tokens.js";

const MINUTE_MILLISECONDS = 60_000;

/** Return an unsigned token that is valid for a number of seconds. */
function token(seconds, more = {}) {
    const body = JSON.stringify({ iat: 1_000_000, exp: 1_000_000 + seconds, ...more });
    return `x.${Buffer.from(body).toString("base64url")}.y`;
}

test("concurrent callers get the same token, and the page is asked once", async () => {
    let requests = 0;
    const tokens = new Tokens(async () => {
        requests += 1;
        return token(600);
    });

    const answers = await Promise.all([
        tokens.currentToken(),
        tokens.currentToken({ refresh: true }),
        tokens.currentToken(),
    ]);

    assert.equal(new Set(answers).size, 1);
    assert.equal(requests, 1);
});

test("a token is renewed before it expires, whatever the clock says", async (context) => {
    const requests = [];
    const tokens = new Tokens(async ({ refresh }) => {
        requests.push(refresh);
        return token(600);
    });
    let now = 0;
    context.mock.method(performance, "now", () => now);

    for (now of [0, 7 * MINUTE_MILLISECONDS, 9 * MINUTE_MILLISECONDS]) await tokens.currentToken();

    assert.deepEqual(requests, [false, true]);
});

test("a page that does not answer in time is asked again by the next caller", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const answers = [new Promise(() => {}), token(600)];
    const tokens = new Tokens(() => answers.shift());

    const first = assert.rejects(tokens.currentToken(), /did not return a token/);
    mock.timers.tick(MINUTE_MILLISECONDS);
    await first;
    mock.timers.reset();

    assert.equal(await tokens.currentToken(), token(600));
});

test("nobody is signed in where there is no token", async () => {
    await assert.rejects(new Tokens(() => null).currentToken(), { name: "Unauthorised" });
    assert.equal(await new Tokens().currentToken(), null);
});

test("claims are read in any script, and are empty for what is no token", () => {
    assert.equal(parseClaims(token(1, { sub: "Zoë" })).sub, "Zoë");
    assert.deepEqual(parseClaims("opaque"), {});
});
