"""`tidings keys`: keys for an operator to keep."""

from __future__ import annotations

import click
import msgspec
from tidings.cli.groups import CommandGroup
from tidings.runtime.vapid import VapidKey, new_vapid_key


@click.group(cls=CommandGroup)
def keys() -> None:
    """Make keys, and print them."""


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def vapid(as_json: bool) -> None:
    """Print a new pair of keys that signs web pushes.

    Browsers that subscribed with another key must subscribe again: keep it for as long as you can.
    """
    private = new_vapid_key()
    public = VapidKey(private).public_text
    if as_json:
        click.echo(msgspec.json.encode({"private": private, "public": public}))
        return
    click.echo(f"TIDINGS_VAPID_PRIVATE_KEY={private}")
    click.echo(f"public key: {public}", err=True)
