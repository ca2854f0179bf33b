// The modules' imports: only modules that are served, because there is no bundler between.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const WEB = new URL("../../services/tidings/edge/web/", import.meta.url);
const IMPORT = /^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/gm;
const PEERS = new Set(["react"]);
/** Which rooms and entry points a room may import, beside its own modules. */
const ALLOWED = {
    client: [],
    sharing: ["client"],
    elements: ["client", "client.js", "push.js"],
    react: ["client", "client.js"],
    demo: ["client", "client.js", "elements.js"],
};

const modules = readdirSync(WEB, { recursive: true }).filter(
    (name) => name.endsWith(".js") && !/^(node_modules|types)\//.test(name),
);
const imports = modules.flatMap((name) => {
    const text = readFileSync(new URL(name, WEB), "utf8");
    return [...text.matchAll(IMPORT)].map(([, target]) => [name, target]);
});
const roomOf = (path) => path.split("/")[0];

test("modules import only each other and React", () => {
    const exists = (name, target) => existsSync(new URL(target, new URL(name, WEB)));
    const foreign = imports.filter(
        ([name, target]) => !PEERS.has(target) && !(target.startsWith(".") && exists(name, target)),
    );

    assert.ok(modules.length > 5);
    assert.deepEqual(foreign, []);
});

test("rooms depend on each other in one direction", () => {
    const upward = imports.filter(([name, target]) => {
        const room = roomOf(name);
        if (!ALLOWED[room] || !target.startsWith(".")) return false;
        const path = new URL(target, new URL(name, "file:///")).pathname.slice(1);
        return ![room, ...ALLOWED[room]].includes(roomOf(path));
    });

    assert.deepEqual(upward, []);
});
