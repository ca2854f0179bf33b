// The npm package: it has all modules, and types that a strict page in TypeScript can use.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
    cpSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("../../services/tidings/edge/web/", import.meta.url));
const MADE = /\/(node_modules|types)(\/|$)/;
const NOT_PUBLISHED = ["node_modules", "types", "demo"];
const OPTIONS =
    "--noEmit --strict --target es2022 --lib es2023,dom " +
    "--module nodenext --moduleResolution nodenext --jsx react-jsx";
const PAGE = `
import { connect, type Notification, Unauthorised } from "tidings-web";
import "tidings-web/elements.js";
import type {} from "tidings-web/jsx";
import { enablePush, PushRefused } from "tidings-web/push.js";
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
tidings.addEventListener("notification", ({ detail: { notification, live } }) => {
    if (live) console.log(notification.title);
});
const device: Promise<string> = enablePush({ client: tidings, getToken }).then(
    (registered) => registered.device,
    (error) => (error instanceof PushRefused ? error.reason : "none"),
);
const bell = document.createElement("tidings-bell");
bell.client = tidings;
const isOpen: boolean = bell.open;
const settings = document.createElement("tidings-preferences");
settings.push = { getToken, app: "Desk" };
document.addEventListener("tidings-open", ({ detail }) => console.log(detail.notification.id));
const markup = <tidings-bell count="unread" title-count page="/all" client={tidings} />;
const table = <tidings-preferences channels="email push" push={{ app: "Desk" }} lang="de" />;
export { device, isOpen, markup, settings, state, table, taken, title, unread, Unauthorised, useTidings };
`;
const WRONG = `
import { connect } from "tidings-web";
connect({ share: "always" });
connect().mark("burnt", ["an id"]);
connect().notifications.pop();
connect().counts.unheard;
connect().addEventListener("notification", ({ detail }) => detail.heard);
import type {} from "tidings-web/jsx";
import "tidings-web/elements.js";
document.createElement("tidings-bell").opened;
document.addEventListener("tidings-toggle", ({ detail }) => detail.shut);
export const markup = <tidings-bell count="read" />;
`;

const folder = mkdtempSync(join(tmpdir(), "tidings-web-"));
const modules = join(folder, "node_modules");
const installed = join(modules, "tidings-web");
after(() => rmSync(folder, { recursive: true }));

mkdirSync(installed, { recursive: true });
// As on a clean checkout: nothing is installed or made yet.
const checkout = join(folder, "checkout");
cpSync(WEB, checkout, { recursive: true, filter: (name) => !MADE.test(name) });
const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: checkout,
    encoding: "utf8",
}).trim();
execFileSync("tar", ["-xzf", join(folder, packed), "-C", installed, "--strip-components=1"]);
for (const name of ["@types", "csstype"])
    symlinkSync(join(WEB, "node_modules", name), join(modules, name));

/** What TypeScript reports about both pages, by line. */
const reported = checkPages({ "page.tsx": PAGE, "wrong.tsx": WRONG });

function checkPages(pages) {
    for (const [name, page] of Object.entries(pages)) writeFileSync(join(folder, name), page);
    const command = [
        join(WEB, "node_modules", "typescript", "bin", "tsc"),
        ...OPTIONS.split(" "),
        ...Object.keys(pages),
    ];
    return spawnSync(process.execPath, command, { cwd: folder, encoding: "utf8" })
        .stdout.trim()
        .split("\n");
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
    assert.deepEqual(
        reported.filter((line) => !line.startsWith("wrong.tsx") && !line.startsWith(" ")),
        [],
    );
});

test("a page that uses what does not exist gets errors", () => {
    const lines = reported.filter((line) => line.startsWith("wrong.tsx"));

    assert.deepEqual(
        lines.map((line) => Number(/\((\d+),/.exec(line)[1])),
        [3, 4, 5, 6, 7, 10, 11, 12],
    );
});
