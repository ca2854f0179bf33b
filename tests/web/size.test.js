// The client's size as a product ships it: bundled, minified, gzip.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const WEB = new URL("../../services/tidings/edge/web/", import.meta.url);
const LIMIT_BYTES = 12 * 1024;

test("the client has at most 12 KiB", () => {
    const { buildSync } = createRequire(new URL("package.json", WEB))("esbuild");

    const [{ contents }] = buildSync({
        entryPoints: [fileURLToPath(new URL("client.js", WEB))],
        bundle: true,
        minify: true,
        format: "esm",
        write: false,
    }).outputFiles;

    assert.ok(
        gzipSync(contents, { level: 9 }).length <= LIMIT_BYTES,
        `${gzipSync(contents, { level: 9 }).length} bytes`,
    );
});
