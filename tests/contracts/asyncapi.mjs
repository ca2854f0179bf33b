// Reads an AsyncAPI document from standard input and prints what the official parser has against it, a line each.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { Parser } = createRequire(`${process.argv[2]}/`)("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
for (const each of diagnostics.filter((each) => each.severity <= 1)) console.log(`${each.path.join(".")}: ${each.message}`);
if (!document && !diagnostics.length) console.log("not a document");
