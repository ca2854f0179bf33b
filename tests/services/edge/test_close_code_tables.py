"""Close codes: the tables in README and browser are generated from the contracts."""

from __future__ import annotations

from tidings.edge.close_code_tables import MODULE, README, javascript_module, with_table


def test_the_readme_has_the_table_of_the_contracts() -> None:
    readme = README.read_text(encoding="utf-8")
    assert with_table(readme) == readme, "run `just generate`"


def test_the_browser_has_the_codes_of_the_contracts() -> None:
    assert MODULE.read_text(encoding="utf-8") == javascript_module(), "run `just generate`"
