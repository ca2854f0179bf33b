"""Delivery lines: deliveries and their histories as lines of a terminal, in the marks of rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich import box
from rich.table import Table
from tidings.channels.explain.explainer import ExplainedEntry
from tidings.channels.http.delivery_reader import OwnedDelivery
from tidings.channels.results import answer_text
from tidings.cli.terminal.listen import escape_text
from tidings.contracts.deliveries import (
    Decided,
    DeliveryEntry,
    Outcome,
    Planned,
    PlannedStep,
    Reason,
    Requested,
)
from tidings.contracts.http_bodies.deliveries import DeliveryStatus

STYLES = {
    "sent": "green",
    "ordered": "cyan",
    "claimed": "cyan",
    "held": "blue",
    "deferred": "yellow",
    "doubtful": "yellow",
    "failed": "red",
    "dropped": "dim",
}
INDENT = " " * 26


def deliveries_table(deliveries: Sequence[OwnedDelivery]) -> Table:
    """Return a table of deliveries, for a wide terminal."""
    table = Table(box=box.SIMPLE)
    for name in ("changed", "state", "channel", "user", "to"):
        table.add_column(name, no_wrap=True)
    table.add_column("because", overflow="fold")
    table.add_column("delivery", no_wrap=True, style="dim")
    for each in deliveries:
        status = each.status
        table.add_row(
            _time(status.changed),
            _state(status.state),
            status.channel,
            _owner(each),
            escape_text(status.address or status.to),
            escape_text(_because(status)),
            status.id,
        )
    return table


def delivery_lines(delivery: OwnedDelivery) -> Iterator[str]:
    """Return a delivery as few lines, for a terminal too narrow for the table."""
    status = delivery.status
    to = escape_text(status.address or status.to)
    yield f"{_time(status.changed)}  {_state(status.state)}  {status.channel} to {to}"
    yield f"  {_owner(delivery)}"
    if because := _because(status):
        yield f"  {escape_text(because)}"
    yield f"  [dim]{status.id}[/dim]"


def heading_lines(delivery: OwnedDelivery) -> Iterator[str]:
    """Return what a delivery is: to whom, where, and of which notifications."""
    status = delivery.status
    to = escape_text(status.address or status.to)
    yield f"[bold]{status.channel}[/bold] to {_owner(delivery)}, {to}: {_state(status.state)}"
    kind = "summary of" if status.summary else "notification"
    yield f"[dim]{kind} {', '.join(status.notifications) or 'nothing any more'}[/dim]"


def explained_lines(explained: ExplainedEntry, delivery: str) -> Iterator[str]:
    """Return an entry of a delivery's history, what it was decided on, and whether it follows."""
    begin = f"{explained.sequence:>8}  {_time(explained.appended)}"
    yield f"{begin}  {_entry_text(explained.entry, delivery)}"
    entry = explained.entry
    if not isinstance(entry, Planned | Decided):
        return
    as_of = entry.as_of
    known = f"as of event {as_of.event}, entry {as_of.entry}, {as_of.at.astimezone():%H:%M:%S}"
    if explained.problem:
        yield f"{INDENT}[yellow]{known}: {escape_text(explained.problem)}[/yellow]"
    elif explained.recomputed is not None and explained.differs:
        other = _entry_text(explained.recomputed, delivery)
        yield f"{INDENT}[red]{known}: does not follow; recomputed: {other}[/red]"
    else:
        yield f"{INDENT}[dim]{known}: follows from that[/dim]"


def _entry_text(entry: DeliveryEntry, delivery: str) -> str:
    match entry:
        case Planned():
            step = next((each for each in entry.steps if each.delivery == delivery), None)
            return f"planned {_step_text(step)}" if step else "not planned"
        case Decided():
            return _decided_text(entry, delivery)
        case Outcome():
            reply = answer_text(entry.code, entry.reply)
            took = f", {entry.milliseconds} ms" if entry.milliseconds is not None else ""
            again = f", again {_time(entry.until)}" if entry.until else ""
            about = f": {escape_text(reply)}" if reply else ""
            return f"attempt {entry.attempt} {_state(entry.state)}{about}{took}{again}"
        case Requested():
            by = f" by {escape_text(entry.by)}" if entry.by else ""
            return f"[bold]{entry.request}[/bold] asked for{by}"


def _decided_text(decided: Decided, delivery: str) -> str:
    joined = [each for each in decided.moved if each.step.delivery == delivery]
    if decided.delivery != delivery and joined:
        count = sum(len(each.notifications) for each in joined)
        return f"joined by {count} of delivery {decided.delivery}"
    number = f" attempt {decided.attempt}" if decided.state == "ordered" else ""
    tells = f", {decided.total} notifications" if decided.total > 1 else ""
    state = f"{_state(decided.state)}{number}{tells}"
    return f"decided {state}{_until_and_why(decided.until, decided.why)}"


def _step_text(step: PlannedStep) -> str:
    return f"{_state(step.state)}{_until_and_why(step.until, step.why)}"


def _until_and_why(until: datetime | None, why: Reason | None) -> str:
    when = f" until {_time(until)}" if until else ""
    return f"{when} · {escape_text(_reason(why.code, why.row, why.event))}" if why else when


def _because(status: DeliveryStatus) -> str:
    """Return why a delivery is in its state: the setting, or what the other side answered."""
    if status.state in ("held", "dropped"):
        why = status.why
        text = _reason(why.code, why.row, why.event) if why else ""
    else:
        text = answer_text(status.code, status.reply)
    until = f"until {_time(status.until)}" if status.until and status.state != "dropped" else ""
    asked = "cancelled" if status.cancelled and status.state != "dropped" else ""
    return " · ".join(filter(None, (until, text, asked)))


def _reason(code: str, row: str | None, event: int | None) -> str:
    setting = ", ".join(filter(None, (row, f"event {event}" if event else None)))
    return f"{code}: {setting}" if setting else code


def _state(state: str) -> str:
    return f"[{STYLES[state]}]{state}[/{STYLES[state]}]"


def _owner(delivery: OwnedDelivery) -> str:
    return f"{escape_text(delivery.status.user)} ({escape_text(delivery.tenant)})"


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%d %b %H:%M:%S")
