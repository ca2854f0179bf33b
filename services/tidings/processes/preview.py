"""Preview: who would be told of an event beyond the page, where and when; it appends nothing."""

from __future__ import annotations

import secrets
from datetime import datetime

from tidings.channels.decider.log_time import log_time
from tidings.channels.decider.reading import Reading
from tidings.channels.email.sender import open_composer
from tidings.channels.lanes import channels_of
from tidings.channels.operators.person_preview import PersonPreview
from tidings.contracts.http_bodies.previews import Preview
from tidings.contracts.messages import event_message
from tidings.contracts.subjects import EVENTS
from tidings.notifier.rendering.texts import load_texts
from tidings.notifier.routing_preview import PersonalNotification, preview_routing
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens

SHOWN_NOTIFICATIONS = 100


class Previewer:
    """Previews events, by the settings of the process."""

    def __init__(self, runtime: Runtime) -> None:
        """Raise InvalidSettings if mails are set up and cannot be composed."""
        settings = runtime.settings
        # The links of a preview must change nothing: they are sealed by a key that is thrown away.
        tokens = UnsubscribeTokens(secrets.token_urlsafe(32))
        self._runtime = runtime
        self._reading = Reading(runtime)
        self._texts = load_texts()
        self._people = PersonPreview(
            channels_of(settings), open_composer(settings, tokens) if settings.smtp_host else None
        )

    async def preview(
        self, event: bytes, tenant: str, at: datetime | None = None, user: str | None = None
    ) -> Preview:
        """Return who would be told of a CloudEvent in a tenant; raises InvalidEvent,
        UnroutableEvent or Unavailable.

        `at`: the moment to preview, None: the present one. `user`: only what they would get.
        """
        runtime = self._runtime
        moment = at or await log_time(runtime.jetstream)
        message = event_message(
            event,
            tenant,
            runtime.settings.subjects,
            link_hosts=runtime.settings.linkable_hosts,
        )
        routed = await preview_routing(runtime, message, self._texts, moment)
        found = [each for each in routed.notifications if user in (None, each.person.user)]
        head = (await stream_state(runtime.jetstream, EVENTS)).last_sequence
        shown = found[:SHOWN_NOTIFICATIONS]
        settings = await self._reading.settings({each.person for each in shown}, head)
        return Preview(
            at=moment,
            total=len(found),
            reason=routed.reason or ("" if found else _not_among(user, routed.notifications)),
            notifications=tuple(
                self._people.preview(
                    each.person, each.notification, settings.people[each.person], moment
                )
                for each in shown
            ),
        )


def _not_among(user: str | None, told: list[PersonalNotification]) -> str:
    return f"`{user}` is not among the {len(told)} who would be told"
