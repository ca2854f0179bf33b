"""Two notifiers on the same partitions: one routes, and the other stands by."""

from __future__ import annotations

from tidings.contracts.subjects import Person

from tests.acceptance.faults import Installation, Process, Tenant
from tests.builders import make_announcement, make_event


async def test_the_first_notifier_takes_over_again_when_the_second_dies(
    installation: Installation,
) -> None:
    first = installation.parts["notifier"]
    assert isinstance(first, Process)
    second = installation.process("notifier", log="second")
    titles = [
        f"{notifier} {n}" for notifier in ("first", "second", "first again") for n in range(10)
    ]
    async with Tenant(installation) as tenant:
        ann = await (await tenant.connect("ann")).live()
        await tenant.emit(*(make_announcement("ann", title=title) for title in titles[:10]))
        await ann.until(10)

        await second.start()
        for title in titles[10:20]:
            await tenant.emit(make_announcement("ann", title=title))
        await ann.until(20)
        second.kill()
        await second.wait()
        await tenant.emit(*(make_announcement("ann", title=title) for title in titles[20:]))
        await ann.until(30)

        await tenant.check_agreement("ann", titles, ann)
    assert first.is_running
    assert "another notifier routes it; standing by" in first.read_log()


async def test_each_read_gives_one_receipt_if_the_notifier_is_killed_meanwhile(
    installation: Installation,
) -> None:
    titles = [f"number {number}" for number in range(6)]
    async with Tenant(installation) as tenant:
        options = {"message": "-", "to": {"users": ["ann"]}, "receipt": True}
        await tenant.emit(
            *(
                make_event("announcement.published", actor="cas", title=title, **options)
                for title in titles
            )
        )
        await tenant.wait_for_counts("ann", total=6)
        ann = await (await tenant.connect("ann")).live()
        cas = await (await tenant.connect("cas")).live()

        for number, identifier in enumerate(reversed(ann.visible_ids), 1):
            await ann.mark("read", identifier)
            if number == 4:
                await cas.until(1)
                await installation.kill("notifier")
        await installation.start("notifier")
        await cas.until(6)

        messages = [f"ann has read: {title}" for title in titles]
        assert sorted(entry["message"] for entry in cas.entries) == sorted(messages)
        assert len(await installation.read_titles(Person(tenant.tenant, "cas"))) == 6
