"""The defaults of tokens on the paths that barbershop and incidents share."""

from __future__ import annotations

import pytest
from tidings.edge.dialects.shared_requests import dialect_of_defaults
from tidings.runtime.setting_values import UNDECIDED_DIALECT
from tidings.runtime.settings import Settings


@pytest.mark.parametrize(
    ("tenants", "scopes", "dialect"),
    [
        ("", "", "barbershop"),
        ("acme", "inbox", "barbershop"),
        ("incidents=acme", "inbox", "incidents"),
        ("barbershop=salon", "inbox", "barbershop"),
        ("barbershop=salon,incidents=acme", "inbox", UNDECIDED_DIALECT),
        ("acme,barbershop=salon", "inbox", UNDECIDED_DIALECT),
        ("barbershop=salon", "incidents=inbox", UNDECIDED_DIALECT),
    ],
)
def test_a_default_counts_only_where_it_is_that_of_both_products(
    tenants: str, scopes: str, dialect: str
) -> None:
    settings = Settings(default_tenant=tenants, default_scope=scopes)

    assert dialect_of_defaults(settings) == dialect


def test_an_undecided_path_has_only_the_defaults_of_issuers() -> None:
    defaults = Settings(default_tenant="acme,https://sign.in=salon").default_tenants

    assert defaults.value_for(None, UNDECIDED_DIALECT) is None
    assert defaults.value_for("https://sign.in", UNDECIDED_DIALECT) == "salon"
