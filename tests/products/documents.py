"""The documents of the five products: their fenced code and their tables, read at run time.

Nothing of them is in this repository: they lie beside it, in `../shared/products`, or in the folder
that the environment variable `PRODUCT_DOCUMENTS` names.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDER = Path(
    os.environ.get("PRODUCT_DOCUMENTS")
    or Path(__file__).resolve().parents[3] / "shared" / "products"
)
FENCE = re.compile(
    r"^(?P<heading>#{1,6} [^\n]*)$|^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^ *```",
    re.MULTILINE | re.DOTALL,
)
FIELD_SERVICE, BARBERSHOP, CHAT, INCIDENTS, VOLUNTEERS = ("000", "001", "002", "003", "004")


class CodeBlock(NamedTuple):
    """A fenced block: the heading above it, its language and its code as printed."""

    heading: str
    language: str
    code: str


class Document(NamedTuple):
    """The text of one document."""

    text: str

    @property
    def code_blocks(self) -> list[CodeBlock]:
        """All fenced blocks, in their order; an indented fence loses its indentation."""
        found, heading = list[CodeBlock](), ""
        for match in FENCE.finditer(self.text):
            if match["heading"]:
                heading = match["heading"].lstrip("# ").strip()
                continue
            lines = (line.removeprefix(match["indent"]) for line in match["code"].splitlines())
            found.append(CodeBlock(heading, match["language"], "\n".join(lines)))
        return found

    def blocks(self, language: str, containing: str = "") -> list[str]:
        """Return the code of all blocks of a language that contain a text."""
        return [
            block.code
            for block in self.code_blocks
            if block.language == language and containing in block.code
        ]

    def block(self, language: str, containing: str = "") -> str:
        """Return the code of the only block of a language that contains a text."""
        [code] = self.blocks(language, containing)
        return code

    def table(self, first_column: str) -> list[dict[str, str]]:
        """Return the rows of the Markdown table whose first column has this name.

        If there are several such tables, their rows follow one another.
        """
        rows, columns = list[dict[str, str]](), list[str]()
        for line in self.text.splitlines():
            cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                columns = []
            elif not columns:
                columns = cells
            elif columns[0] == first_column and not set(line) <= set("|-: "):
                rows.append(dict(zip(columns, cells, strict=True)))
        assert rows, f"the document has no table whose first column is {first_column}"
        return rows


@cache
def read_document(number: str) -> Document:
    """Return a document by the number that its name begins with; skip the test without it."""
    files = [*FOLDER.glob(f"{number}_*.txt")]
    if not files:
        pytest.skip(f"needs the products' documents: the folder {FOLDER.name} is not beside it")
    return Document(files[0].read_text(encoding="utf-8"))
