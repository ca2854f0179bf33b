// The parts of the client: none is loaded that is not its own, and none is named that is not there.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const WEB = new URL("../../services/tidings/edge/web/", import.meta.url);
const IMPORT = /^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/gm;
const PEERS = new Set(["react"]);

test("modules import each other and nothing else, so that they work as they are served", () => {
    const modules = readdirSync(WEB, { recursive: true }).filter((name) => name.endsWith(".js") && !name.includes("node_modules"));

    const foreign = modules.flatMap((name) =>
        [...readFileSync(new URL(name, WEB), "utf8").matchAll(IMPORT)]
            .map(([, wanted]) => wanted)
            .filter((wanted) => !PEERS.has(wanted) && !(wanted.startsWith(".") && existsSync(new URL(wanted, new URL(name, WEB)))))
            .map((wanted) => `${name}: ${wanted}`),
    );

    assert.ok(modules.length > 5);
    assert.deepEqual(foreign, []);
});
