"""Streams over real sockets: news comes soon, to all who listen, and nobody who does not listen costs the others."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from serving import SECONDS, Listener, Served, append, lines, served, until

from barograph.web import app as addresses
from barograph.web import desk, stream
from barograph.web import room as rooms
from barograph.web.stream import Lookout, events

RUN = "/events?run=a.jsonl"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    path.write_text(lines(1, 31))
    (tmp_path / "b.jsonl").write_text(lines(1, 31))
    return path


@pytest.fixture
def page(log: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with served(log.parent, monkeypatch) as page:
        yield page


def settled(page: Served, listener: Listener, key: str = "a.jsonl") -> int:
    """The number of a run that is read and judged, once the page has been told it."""
    until(lambda: page.ask(f"/api/run?run={key}").json["is_read"])
    version: int = page.ask(f"/api/run?run={key}").json["version"]
    while listener.news()["runs"].get(key) != version:
        pass
    return version


def rows(page: Served) -> int:
    count: int = page.ask("/api/run?run=a.jsonl").json["diagnosis"]["rows"]
    return count


# News


def test_a_new_row_is_told_within_a_second(page: Served, log: Path) -> None:
    listener = page.listen(RUN)
    version = settled(page, listener)
    delays = []
    for step in range(31, 36):
        append(log, lines(step, step + 1))
        begun = time.monotonic()
        news = listener.news()
        delays.append(time.monotonic() - begun)
        assert news["runs"].keys() == {"a.jsonl"}
        assert news["runs"]["a.jsonl"] > version
        version = news["runs"]["a.jsonl"]
        assert rows(page) == step
    assert sorted(delays)[2] < 1.0
    listener.close()


def test_an_event_says_no_more_than_what_has_changed(page: Served, log: Path) -> None:
    listener = page.listen(f"{RUN}&run=b.jsonl&run=none&list")
    assert listener.line("retry:") == str(stream.COMES_BACK)
    news = listener.news()
    assert news.keys() == {"runs", "list"}
    settled(page, listener)
    assert isinstance(news["list"], int)
    listener.close()
    only = page.listen("/events?list")
    assert only.news().keys() == {"runs", "list"}
    only.close()


def test_many_rows_at_once_are_few_events(page: Served, log: Path) -> None:
    listener = page.listen(RUN)
    settled(page, listener)
    begun = time.monotonic()
    for step in range(31, 331):
        append(log, lines(step, step + 1))
        time.sleep(0.002)
    told = 0
    while rows(page) < 330 or listener.has_news(0.6):
        listener.news()
        told += 1
    took = time.monotonic() - begun
    assert 1 <= told <= took / stream.SOON + 1
    assert told < 100
    listener.close()


def test_a_run_that_comes_later_is_followed_from_then_on(
    page: Served, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "FOLDER_EVERY", 0.1)
    listener = page.listen("/events?run=late.jsonl")
    assert listener.news()["runs"] == {}
    late = log.parent / "late.jsonl"
    late.write_text(lines(1, 11))
    while "late.jsonl" not in (news := listener.news())["runs"]:
        pass
    version = settled_at(page, listener, "late.jsonl", news)
    append(late, lines(11, 13))
    assert listener.news()["runs"]["late.jsonl"] > version
    assert page.ask("/api/run?run=late.jsonl").json["diagnosis"]["rows"] == 12
    listener.close()


def settled_at(page: Served, listener: Listener, key: str, news: Any) -> int:
    until(lambda: page.ask(f"/api/run?run={key}").json["is_read"])
    version: int = page.ask(f"/api/run?run={key}").json["version"]
    while news["runs"].get(key) != version:
        news = listener.news()
    return version


def test_a_page_that_outlives_the_server_is_told_of_its_run_by_the_next_one(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(log.parent, monkeypatch) as first:
        listener = first.listen(RUN)
        before = settled(first, listener)
        listener.close()
    append(log, lines(31, 33))
    with served(log.parent, monkeypatch) as second:
        listener = second.listen(RUN)  # Before anything else has been asked for.
        news = listener.news()
        while not news["runs"]:
            news = listener.news()
        assert news["runs"]["a.jsonl"] > before
        settled_at(second, listener, "a.jsonl", news)
        append(log, lines(33, 34))
        listener.news()
        assert rows(second) == 33
        listener.close()


def test_the_list_is_told_of_runs_that_come_and_go(page: Served, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "FOLDER_EVERY", 0.05)
    monkeypatch.setattr(stream, "RESTS", 0.0)
    listener = page.listen("/events?list")

    def listed() -> dict[str, Any]:
        return {one["key"]: one.get("rows") for one in page.ask("/api/runs").json["runs"]}

    def comes(expected: dict[str, Any]) -> None:
        while listed() != expected:
            listener.news()

    comes({"a.jsonl": 30, "b.jsonl": 30})
    (log.parent / "c.jsonl").write_text(lines(1, 12))
    comes({"a.jsonl": 30, "b.jsonl": 30, "c.jsonl": 11})
    log.unlink()
    comes({"b.jsonl": 30, "c.jsonl": 11})
    listener.close()


def test_without_news_there_is_a_sign_of_life(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    listener = page.listen(RUN)
    settled(page, listener)
    for _ in range(3):
        assert listener.line(":") == "still here"
    listener.close()


# Many


def test_a_hundred_who_listen_are_all_told_and_others_are_answered(page: Served, log: Path) -> None:
    with ExitStack() as stack:
        listeners = [page.listen(RUN) for _ in range(100)]
        for listener in listeners:
            stack.callback(listener.close)
        versions = [settled(page, listener) for listener in listeners]
        assert page.inside.streams == 100
        for step in range(31, 41):
            append(log, lines(step, step + 1))
            assert page.ask("/api/runs").status == 200
            assert page.ask("/").status == 200
        until(lambda: rows(page) == 40)
        last = page.ask("/api/run?run=a.jsonl").json["version"]
        assert last > max(versions)
        for listener in listeners:
            while listener.news()["runs"]["a.jsonl"] != last:
                pass
        assert page.inside._lookouts.keys() <= {None, "a.jsonl"}, "one look for all of them"
    until(lambda: page.inside.streams == 0)


def test_one_page_too_many_is_asked_to_come_back_later(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "MOST_STREAMS", 3)
    listeners = [page.listen(RUN) for _ in range(3)]
    for listener in listeners:
        listener.news()
    answer = page.ask(RUN)
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
    assert page.ask("/api/runs").status == 200
    listeners.pop().close()
    until(lambda: page.inside.streams == 2)
    listeners.append(page.listen(RUN))
    listeners[-1].news()
    for listener in listeners:
        listener.close()


def test_many_who_come_at_once_are_no_more_than_may_come(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "MOST_STREAMS", 10)
    listeners = [page.listen(RUN) for _ in range(40)]
    heads = [listener.line("HTTP/1.1 ") for listener in listeners]
    assert sorted(heads) == sorted(["200 OK"] * 10 + ["503 Service Unavailable"] * 30)
    for listener in listeners:
        listener.close()
    until(lambda: page.inside.streams == 0)


def test_a_page_shows_no_more_runs_than_can_be_compared(page: Served) -> None:
    answer = page.ask("/events?" + "&".join(f"run={number}" for number in range(51)))
    assert (answer.status, page.inside.streams) == (422, 0)


def test_who_never_reads_holds_nobody_up(page: Served, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = iter(range(10**9))
    # Something new all the time, and much of it.
    monkeypatch.setattr(rooms.Room, "versions", lambda self, keys: {"a.jsonl": next(counter), "x" * 50_000: 0})
    monkeypatch.setattr(stream, "SOON", 0.001)
    sent: list[int] = []
    tell = events

    def noting(*given: Any) -> Any:
        async def noted() -> Any:
            async for event in tell(*given):
                sent.append(len(event))
                yield event

        return noted()

    monkeypatch.setattr(addresses, "events", noting)
    deaf = page.listen(RUN, receives=4_096)

    def stands_still() -> bool:
        before = len(sent)
        time.sleep(0.2)
        return len(sent) == before > 0

    until(stands_still)
    assert sum(sent) < 20_000_000, "no more is made than the sockets take"
    monkeypatch.setattr(addresses, "events", tell)
    quick = page.listen(RUN)
    first = quick.news()["runs"]["a.jsonl"]
    for _ in range(20):
        later = quick.news()["runs"]["a.jsonl"]
        assert later > first
        first = later
    assert page.ask("/api/runs").status == 200
    quick.close()
    deaf.close()
    until(lambda: page.inside.streams == 0)


# The end


def test_who_goes_is_not_looked_out_for(page: Served, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "FOLDER_EVERY", 0.1)
    listener = page.listen(f"{RUN}&list")
    settled(page, listener)
    lookouts = list(page.inside._lookouts.values())
    assert len(lookouts) == 2
    assert not any(lookout.is_over for lookout in lookouts)
    listener.close()
    until(lambda: page.inside.streams == 0)
    until(lambda: all(lookout.is_over for lookout in lookouts))
    room = asyncio.run_coroutine_threadsafe(page.inside.room(), page.inside._room.get_loop()).result(SECONDS)  # type: ignore[union-attr]
    assert not room.desk.is_looked_at(str(log))
    again = page.listen(RUN)
    settled(page, again)
    append(log, lines(31, 32))
    again.news()
    assert len(page.inside._lookouts) == 1
    again.close()


def test_who_goes_before_the_first_word_is_not_counted(page: Served) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", page.port)) as hasty:
            hasty.sendall(f"GET {RUN} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    listener = page.listen(RUN)
    listener.news()
    until(lambda: page.inside.streams == 1)
    listener.close()
    until(lambda: page.inside.streams == 0)


def test_where_the_server_ends_streams_end_and_nobody_is_left_waiting(
    log: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits, is_asked = threading.Event(), threading.Event()
    run, judge = rooms.Room.run, desk.judge

    def asked(room: rooms.Room, key: str) -> Any:
        is_asked.set()
        return run(room, key)

    def slowly(*given: Any) -> Any:
        assert waits.wait(SECONDS)
        return judge(*given)

    monkeypatch.setattr(rooms.Room, "run", asked)
    monkeypatch.setattr(desk, "judge", slowly)
    monkeypatch.setattr(rooms, "PATIENCE", SECONDS)
    answers: list[int] = []
    with served(log.parent, monkeypatch) as page:
        listeners = [page.listen(RUN) for _ in range(5)]
        for listener in listeners:
            listener.news()
        asking = threading.Thread(target=lambda: answers.append(page.ask("/api/run?run=a.jsonl").status))
        asking.start()
        assert is_asked.wait(SECONDS)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.0
    asking.join(SECONDS)
    waits.set()
    for listener in listeners:
        while listener.socket.recv(65_536):  # It ends.
            pass
        listener.close()
    assert answers == [503]
    assert [record.getMessage() for record in caplog.records] == []


def test_questions_that_wait_for_a_log_hold_no_other_up(
    page: Served, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    reader = desk.read_run

    def slowly(*given: Any, **named: Any) -> Any:
        assert waits.wait(SECONDS)
        return reader(*given, **named)

    monkeypatch.setattr(desk, "read_run", slowly)
    asking = [threading.Thread(target=page.ask, args=("/api/run?run=a.jsonl",)) for _ in range(20)]
    for thread in asking:
        thread.start()
    begun = time.monotonic()
    assert page.ask("/api/runs").status == 200
    assert time.monotonic() - begun < SECONDS / 2
    waits.set()
    for thread in asking:
        thread.join(SECONDS)


# A lookout by itself


async def so(ask: Callable[[], bool]) -> None:
    """Until it is so."""
    while not ask():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)


def test_a_look_that_fails_is_not_the_last_one(caplog: pytest.LogCaptureFixture) -> None:
    looks: list[int] = []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) < 3:
            raise ZeroDivisionError("oh")

    async def looking() -> None:
        lookout = Lookout(look, 0.001)
        with lookout.looking():
            await so(lambda: len(looks) >= 5)
        await so(lambda: lookout.is_over)

    asyncio.run(asyncio.wait_for(looking(), SECONDS))
    assert [record.getMessage() for record in caplog.records] == ["a look has failed"], "it is said once"


def test_one_looks_for_all_and_rests_after_a_long_look(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []

    def look() -> None:
        begun.append(time.monotonic())
        time.sleep(0.05)

    async def looking() -> None:
        lookout = Lookout(look, 0.001)
        with lookout.looking(), lookout.looking(), lookout.looking():
            await so(lambda: len(begun) >= 3)

    asyncio.run(asyncio.wait_for(looking(), SECONDS))
    # A look of 50 ms, and four times as long to rest.
    assert min(later - earlier for earlier, later in itertools.pairwise(begun)) >= 0.25


def test_events_come_only_when_something_is_new() -> None:
    states = iter([{"runs": 1}, {"runs": 1}, {"runs": 2}, {"runs": 2}, {"runs": 2}, {"runs": 3}])

    async def heard() -> list[str]:
        told = events([], lambda: next(states))
        return [await anext(told) for _ in range(4)]

    assert asyncio.run(asyncio.wait_for(heard(), SECONDS)) == [
        f"retry: {stream.COMES_BACK}\n\n", 'data: {"runs": 1}\n\n', 'data: {"runs": 2}\n\n', 'data: {"runs": 3}\n\n',
    ]  # fmt: skip
