"""Generate the tables of close codes outside Python: `python -m tidings.edge.close_code_tables`.

The contracts define the codes and the protocol version. The edge's README and the browser client
contain what this module generates from them; a test fails if they differ.
"""

from __future__ import annotations

from pathlib import Path

from tidings.contracts.close_codes import FIRST_FINAL_CODE, CloseCode
from tidings.contracts.frames import PROTOCOL

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
MODULE = FOLDER / "web" / "client" / "close-codes.js"
BEGIN, END = "<!-- close codes: generated -->\n", "<!-- end -->"


def markdown_table() -> str:
    """Return the table of the README: a row for each code, with the advice for clients."""
    rows = "".join(f"| {int(code)} | {code.advice} |\n" for code in CloseCode)
    return f"| code | what the client should do |\n|---|---|\n{rows}"


def javascript_module() -> str:
    """Return the browser's module: the protocol version, and what is true of each code."""
    rows = "".join(f"    {int(code)}: {_javascript_object(code)},\n" for code in CloseCode)
    return (
        "// Close codes: made from the contracts by `just generate`; do not edit.\n\n"
        f"export const PROTOCOL = {PROTOCOL};\n\n"
        "/** From this code on, a client does not reconnect. */\n"
        f"export const FIRST_FINAL_CODE = {FIRST_FINAL_CODE};\n\n"
        "/** @type {Record<number, {needsToken?: true, isPlanned?: true}>} */\n"
        f"export const CLOSE_CODES = {{\n{rows}}};\n"
    )


def _javascript_object(code: CloseCode) -> str:
    """Return the properties that are true: the module is a part of what every browser loads."""
    properties = (("needsToken", code.needs_token), ("isPlanned", code.is_planned))
    true = ", ".join(f"{name}: true" for name, value in properties if value)
    return f"{{ {true} }}" if true else "{}"


def with_table(readme: str) -> str:
    """Return a README with the table between its markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{markdown_table()}{END}{after}"


def write_tables() -> None:
    """Write the table into the README, and the browser's module."""
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    MODULE.write_text(javascript_module(), encoding="utf-8")


if __name__ == "__main__":
    write_tables()
