"""What to try first while `tidings up --demo` runs."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from tidings.demo.volunteer_project import PEOPLE
from tidings.runtime.quoting import shell_words
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import DEFAULT_DATA_DIR


def first_steps(settings: Settings) -> str:
    """Return what to try first, with exact commands."""
    is_default = str(settings.data_dir) == DEFAULT_DATA_DIR
    where = "" if is_default else " " + shell_words("--data-dir", settings.data_dir)
    first = {
        f"{settings.client_url}/": (
            "open this in a browser: press what happens, see who is told, disconnect a user"
        )
    }
    if settings.mailbox_url:
        first[settings.mailbox_url] = (
            "read the mails of its people: what they left unread for ten seconds"
        )
    task = f'task.assigned task_id=1 task_title="Say hello" user_id=amira{where}'
    more = {
        f"uv run tidings listen --user amira{where}": (
            "what the Amira of the three projects is told, live"
        ),
        f"uv run tidings emit {task}": "tell her something",
        f"uv run tidings events tail{where}": "the facts as they come",
        f"uv run tidings doctor{where}": "how everything is",
        f"{settings.client_url}/schema": "the HTTP interface",
    }
    by_themselves = (
        f"Beside that, {', '.join(PEOPLE.values())} run three volunteer projects by themselves."
    )
    return (
        f"\n{_format_steps(first)}\n\n{by_themselves} In another terminal:\n\n"
        f"{_format_steps(more)}\n\nCtrl-C ends all of it.\n"
    )


def _format_steps(steps: Mapping[str, str]) -> str:
    return "\n".join(
        f"  [bold]{escape(command)}[/bold]\n      {words}" for command, words in steps.items()
    )
