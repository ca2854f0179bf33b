// The npm package: it has all modules, and types that a strict page in TypeScript can use.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("../../services/tidings/edge/web/", import.meta.url));
const NOT_PUBLISHED = ["node_modules", "types", "demo"];
const OPTIONS =
    "--noEmit --strict --target es2022 --lib es2023,dom " +
    "--module nodenext --moduleResolution nodenext";
const PAGE = `
import { connect, type Notification, Unauthorised } from "tidings-web";
import "tidings-web/elements.js";
import { useTidings } from "tidings-web/react.js";

const getToken = async ({ refresh }: { refresh: boolean }) => (refresh ? null : "a token");
const tidings = connect({ getToken, share: "locks", undo: 0 });
const unread: number = tidings.counts.unread;
const [newest]: readonly Notification[] = tidings.notifications;
const title: string = newest.title;
const until = new Date(tidings.now + 60_000).toISOString();
const name: string = tidings.mark("snoozed", [newest.id], { until });
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
const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: WEB,
    encoding: "utf8",
}).trim();
execFileSync("tar", ["-xzf", join(folder, packed), "-C", installed, "--strip-components=1"]);
for (const name of ["@types", "csstype"])
    symlinkSync(join(WEB, "node_modules", name), join(modules, name));

/** Return what TypeScript reports about a page. */
function checked(page) {
    writeFileSync(join(folder, "page.mts"), page);
    const command = [
        join(WEB, "node_modules", "typescript", "bin", "tsc"),
        ...OPTIONS.split(" "),
        "page.mts",
    ];
    return spawnSync(process.execPath, command, { cwd: folder, encoding: "utf8" }).stdout.trim();
}

const scripts = (place) =>
    readdirSync(place, { recursive: true }).filter(
        (name) => name.endsWith(".js") && !NOT_PUBLISHED.includes(name.split("/")[0]),
    );

test("every module is in the package, with its types", () => {
    assert.deepEqual(scripts(installed).sort(), scripts(WEB).sort());
    assert.deepEqual(
        scripts(installed).filter(
            (name) =>
                !readdirSync(join(installed, "types"), { recursive: true }).includes(
                    name.replace(/js$/, "d.ts"),
                ),
        ),
        [],
    );
});

test("a strict page in TypeScript compiles", () => {
    assert.equal(checked(PAGE), "");
});

test("a page that uses what does not exist gets errors", () => {
    const lines = checked(WRONG)
        .split("\n")
        .filter((line) => line.startsWith("page.mts"));

    assert.deepEqual(
        lines.map((line) => Number(/\((\d+),/.exec(line)[1])),
        [3, 4, 5, 6],
    );
});
