"""Preview lines: who would be told of an event, as lines of a terminal, in the marks of rich."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tidings.cli.terminal.listen import escape_text
from tidings.contracts.http_bodies.deliveries import WhyDelivery
from tidings.contracts.http_bodies.previews import (
    Preview,
    PreviewedDelivery,
    PreviewedNotification,
)
from tidings.runtime.texts.times import find_zone

MARKS = {"ordered": "[green]✓[/green]", "held": "[blue]…[/blue]", "dropped": "[dim]✗[/dim]"}


def preview_lines(preview: Preview) -> Iterator[str]:
    """Return what a preview says, and what to do to learn more."""
    if preview.reason:
        yield f"[yellow]nobody would be told: {escape_text(preview.reason)}[/yellow]"
        return
    for each in preview.notifications:
        yield from _notification_lines(each, preview.at)
    more = preview.total - len(preview.notifications)
    others = f", of whom {more} are not shown" if more else ""
    yield f"[dim]{preview.total} would be told{others}; nothing was sent[/dim]"


def _notification_lines(notification: PreviewedNotification, at: datetime) -> Iterator[str]:
    about = f"{notification.category}, {notification.priority}"
    yield f"[bold]{escape_text(notification.user)}[/bold] [dim]({escape_text(about)})[/dim]"
    yield f"  {escape_text(notification.title)}"
    yield f"  [dim]{escape_text(notification.message)}[/dim]"
    for delivery in notification.deliveries:
        yield f"  {_delivery_text(delivery, at, notification.zone)}"
    if not notification.deliveries:
        yield "  [dim]on the page alone: no channel is set up here[/dim]"
    if notification.mail:
        yield f"  [dim]mail: {escape_text(notification.mail.subject)}[/dim]"
        for line in notification.mail.text.splitlines():
            yield f"  [dim]│[/dim] {escape_text(line)}"


def _delivery_text(delivery: PreviewedDelivery, at: datetime, zone: str | None) -> str:
    place = delivery.address or delivery.to
    to = f" to {escape_text(place)}" if place else ""
    when = {"ordered": "at once", "dropped": "not sent"}.get(delivery.state, "")
    if delivery.until:
        kind = "in a summary " if delivery.summary else ""
        when = f"{kind}at {_time(delivery.until, at, zone)}"
    why = f" [dim]· {escape_text(_reason(delivery.why))}[/dim]" if delivery.why else ""
    return f"{MARKS[delivery.state]} {delivery.channel}{to}: {when}{why}"


def _time(moment: datetime, at: datetime, zone: str | None) -> str:
    """Return a moment by the clock of its reader, with the day if it is another one."""
    found = find_zone(zone or "")
    local = moment.astimezone(found or UTC)
    is_today = local.date() == at.astimezone(local.tzinfo).date()
    clock = local.strftime("%H:%M:%S" if is_today else "%d %b %H:%M")
    return f"{clock} ({escape_text(zone or '') if found else 'UTC'})"


def _reason(why: WhyDelivery) -> str:
    event = f"event {why.event}" if why.event else None
    setting = ", ".join(filter(None, (why.row, event)))
    return f"{why.code}: {setting}" if setting else why.code
