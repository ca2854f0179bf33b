// The token of a page: asked for once at a time, again before it ends, and not waited for without end.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { claims, Tokens } from "../../services/edge/web/token.js";

const MINUTE_MILLISECONDS = 60_000;

/** A token that holds for so many seconds; nobody has signed it. */
function token(seconds, more = {}) {
    const body = JSON.stringify({ iat: 1_000_000, exp: 1_000_000 + seconds, ...more });
    return `x.${Buffer.from(body).toString("base64url")}.y`;
}

test("those who ask at the same time get the same answer, and the page is asked once", async () => {
    let asked = 0;
    const tokens = new Tokens(async () => ((asked += 1), token(600)));

    const shown = await Promise.all([tokens.token(), tokens.token({ refresh: true }), tokens.token()]);

    assert.equal(new Set(shown).size, 1);
    assert.equal(asked, 1);
});

test("a token is asked for again before it ends, whatever the clock says", async (context) => {
    const wanted = [];
    const tokens = new Tokens(async ({ refresh }) => (wanted.push(refresh), token(600)));
    let now = 0;
    context.mock.method(performance, "now", () => now);

    for (now of [0, 7 * MINUTE_MILLISECONDS, 9 * MINUTE_MILLISECONDS]) await tokens.token();

    assert.deepEqual(wanted, [false, true]);
});

test("a page that does not answer is not waited for without end, and is asked anew the next time", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const answers = [new Promise(() => {}), token(600)];
    const tokens = new Tokens(() => answers.shift());

    const first = assert.rejects(tokens.token(), /gives no token/);
    mock.timers.tick(MINUTE_MILLISECONDS);
    await first;
    mock.timers.reset();

    assert.equal(await tokens.token(), token(600));
});

test("nobody is signed in where there is no token", async () => {
    await assert.rejects(new Tokens(() => null).token(), { name: "Unauthorised" });
    assert.equal(await new Tokens().token(), null);
});

test("whoever a token is about is read from it, in any script, and nothing from what is no token", () => {
    assert.equal(claims(token(1, { sub: "Zoë" })).sub, "Zoë");
    assert.deepEqual(claims("opaque"), {});
});
