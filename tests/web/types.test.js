// The package that others install: all its modules are in it, with types that a strict page in TypeScript is checked against.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("../../services/tidings/edge/web/", import.meta.url));
const NOT_PUBLISHED = ["node_modules", "types", "stage"];
const OPTIONS = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom", "--module", "nodenext", "--moduleResolution", "nodenext"];
const PAGE = `
import { connect, Unauthorised } from "tidings-web";
import "tidings-web/elements.js";
import { useTidings } from "tidings-web/react.js";

const tidings = connect({ getToken: async ({ refresh }) => (refresh ? null : "a token"), share: "locks", undo: 0 });
const unread: number = tidings.counts.unread;
const [newest] = tidings.notifications;
const title: string = newest.title;
const name: string = tidings.mark("snoozed", [newest.id], { until: new Date(tidings.now + 60_000).toISOString() });
const taken: boolean = tidings.undo(name);
const state: "offline" | "connecting" | "catching up" | "live" | "signed out" = tidings.state;
export { state, taken, title, unread, Unauthorised, useTidings };
`;
const WRONG = `
import { connect } from "tidings-web";
connect({ share: "always" });
connect().mark("burnt", ["an id"]);
connect().notifications.pop();
connect().counts.unheard;
`;

const folder = mkdtempSync(join(tmpdir(), "tidings-web-"));
const modules = join(folder, "node_modules");
const installed = join(modules, "tidings-web");
after(() => rmSync(folder, { recursive: true }));

mkdirSync(installed, { recursive: true });
const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: WEB, encoding: "utf8" }).trim();
execFileSync("tar", ["-xzf", join(folder, packed), "-C", installed, "--strip-components=1"]);
for (const each of ["@types", "csstype"]) symlinkSync(join(WEB, "node_modules", each), join(modules, each));

/** What TypeScript says of a page. */
function checked(page) {
    writeFileSync(join(folder, "page.mts"), page);
    const command = [join(WEB, "node_modules", "typescript", "bin", "tsc"), ...OPTIONS, "page.mts"];
    return spawnSync(process.execPath, command, { cwd: folder, encoding: "utf8" }).stdout.trim();
}

const scripts = (place) => readdirSync(place, { recursive: true }).filter((name) => name.endsWith(".js") && !NOT_PUBLISHED.includes(name.split("/")[0]));

test("every module is in it, and beside each its types", () => {
    assert.deepEqual(scripts(installed).sort(), scripts(WEB).sort());
    assert.deepEqual(
        scripts(installed).filter((name) => !readdirSync(join(installed, "types"), { recursive: true }).includes(name.replace(/js$/, "d.ts"))),
        [],
    );
});

test("a strict page in TypeScript finds the types of all that it uses", () => {
    assert.equal(checked(PAGE), "");
});

test("a page that asks for what is not there is told so", () => {
    const lines = checked(WRONG).split("\n").filter((line) => line.startsWith("page.mts"));

    assert.deepEqual(lines.map((line) => Number(/\((\d+),/.exec(line)[1])), [3, 4, 5, 6]);
});
