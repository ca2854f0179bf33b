"""A watched group: each watcher's picture of who is online is right, even after it lagged."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from tidings.contracts.frames import Presence
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.presence.watched_group import WatchedGroup

TENANT, RELATION = "acme", "room:9#member"


class Watcher:
    """A connection that applies what it receives to its picture; it may lag and miss frames."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.is_lagging = False
        self.frames: list[Presence] = []
        self.online: set[str] = set()

    def send_droppable(self, frame: EncodedFrame) -> bool:
        if self.is_lagging:
            return False
        received = msgspec.json.decode(frame.body, type=Presence)
        self.frames.append(received)
        if received.whole:
            self.online = set(received.online)
        else:
            self.online = (self.online | set(received.online)) - set(received.offline)
        return True


class World:
    """Who is online, and a group with three members."""

    def __init__(self, *online: str, relation: str | None = RELATION) -> None:
        self.online = {*online}
        self.group = WatchedGroup(TENANT, relation, frozenset({"ann", "bob", "cho"}))

    def find_online(self, tenant: str, users: Iterable[str]) -> frozenset[str]:
        assert tenant == TENANT
        return frozenset(self.online.intersection(users))

    def add_watcher(self, name: str, *, user: str | None = None, lagging: bool = False) -> Watcher:
        watcher = Watcher(name)
        watcher.is_lagging = lagging
        self.group.add_watcher(watcher, user, self.find_online)
        return watcher

    def report(self) -> bool:
        return self.group.report_changes(self.find_online)


def test_a_new_watcher_gets_all_online_members_of_the_relation() -> None:
    world = World("cho", "ann", "stranger")

    watcher = world.add_watcher("one")

    (frame,) = watcher.frames
    assert frame == Presence(online=("ann", "cho"), offline=(), relation=RELATION, whole=True)
    assert not world.group.changed


def test_the_frames_of_a_list_of_users_name_no_relation() -> None:
    watcher = World("ann", relation=None).add_watcher("one")

    assert watcher.frames[0].relation is None


def test_watchers_get_only_what_changed() -> None:
    world = World("ann", "bob")
    watchers = [world.add_watcher(name) for name in ("one", "two")]
    world.online = {"bob", "cho", "stranger"}
    world.group.changed = True

    assert world.report()

    for watcher in watchers:
        assert watcher.frames[1:] == [
            Presence(online=("cho",), offline=("ann",), relation=RELATION, whole=False)
        ]
    assert not world.group.changed


def test_nothing_is_sent_if_who_is_online_is_the_same_again() -> None:
    world = World("ann")
    watcher = world.add_watcher("one")
    world.group.changed = True

    assert not world.report()

    assert len(watcher.frames) == 1
    assert not world.group.changed


def test_a_second_watcher_gets_the_state_on_which_the_next_change_builds() -> None:
    world = World("ann")
    first = world.add_watcher("one")
    world.online = {"bob"}

    second = world.add_watcher("two")
    assert second.online == first.online == {"ann"}
    world.report()

    assert second.online == first.online == {"bob"}


def test_the_first_watcher_after_all_have_left_gets_the_present_state() -> None:
    world = World("ann")
    world.group.remove_watcher(world.add_watcher("one"))
    world.online = {"bob"}

    assert world.add_watcher("two").online == {"bob"}
    assert not world.report()


def test_a_watcher_that_lagged_gets_the_whole_state_and_the_others_the_change() -> None:
    world = World("ann")
    lagging, other = world.add_watcher("one"), world.add_watcher("two")
    lagging.is_lagging = True
    world.online = {"ann", "bob"}
    world.report()
    assert (lagging.online, other.online) == ({"ann"}, {"ann", "bob"})
    assert world.group.changed

    lagging.is_lagging = False
    world.online = {"bob", "cho"}
    assert world.report()

    assert lagging.frames[1:] == [
        Presence(online=("bob", "cho"), offline=(), relation=RELATION, whole=True)
    ]
    assert [frame.whole for frame in other.frames] == [True, False, False]
    assert lagging.online == other.online == {"bob", "cho"}
    assert not world.group.changed


def test_a_watcher_that_lagged_gets_the_whole_state_even_if_nothing_changed_since() -> None:
    world = World("ann")
    lagging, other = world.add_watcher("one", lagging=True), world.add_watcher("two")
    assert world.group.changed

    assert world.report()
    assert world.group.changed
    lagging.is_lagging = False
    assert world.report()

    assert lagging.online == {"ann"}
    assert len(other.frames) == 1
    assert not world.group.changed


def test_a_watcher_that_was_removed_gets_nothing_more() -> None:
    world = World("ann")
    removed, lagging = world.add_watcher("one"), world.add_watcher("two", lagging=True)
    lagging.is_lagging = False
    for watcher in (removed, lagging):
        world.group.remove_watcher(watcher)
    world.online = set()

    world.report()

    assert (len(removed.frames), lagging.frames) == (1, [])
    assert world.group.watchers == {}


def test_the_watchers_who_left_the_relation_are_returned() -> None:
    world = World("ann", "bob")
    left = world.add_watcher("one", user="ann")
    member, admin = world.add_watcher("two", user="bob"), world.add_watcher("three")

    assert world.group.replace_users(frozenset({"ann", "bob", "cho"})) == []
    assert not world.group.changed
    assert world.group.replace_users(frozenset({"bob"})) == [left]
    assert world.group.changed
    world.group.remove_watcher(left)
    world.report()

    assert member.online == admin.online == {"bob"}
    assert member.frames[1].offline == ("ann",)


def test_a_user_who_joins_the_relation_is_reported() -> None:
    world = World("ann", "dan")
    watcher = world.add_watcher("one")

    world.group.replace_users(frozenset({"ann", "dan"}))
    world.report()

    assert watcher.online == {"ann", "dan"}
