"""What to try first while `tidings up --demo` runs."""

from __future__ import annotations

from collections.abc import Mapping

from tidings.demo.volunteer_project import PEOPLE
from tidings.runtime.settings import Settings


def first_steps(settings: Settings) -> str:
    """Return what to try first, with exact commands."""
    where = "" if str(settings.data_dir) == ".tidings" else f" --data-dir {settings.data_dir}"
    first = {
        f"{settings.client_url}/": (
            "open this in a browser: press what happens, see who is told, disconnect a user"
        )
    }
    task = f'task.assigned task_id=1 task_title="Say hello" user_id=amira{where}'
    more = {
        f"uv run tidings emit --tenant demo-volunteers {task}": (
            "on that page, under Volunteer projects, Amira's bell rings"
        ),
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
    return "\n".join(f"  [bold]{command}[/bold]\n      {words}" for command, words in steps.items())
