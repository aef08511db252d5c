from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from superanimal.inference.threads import Finisher, read_ahead


def running() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("superanimal")}


def test_items_arrive_in_order_and_the_thread_ends() -> None:
    assert list(read_ahead(iter(range(100)), depth=3)) == list(range(100))
    assert "superanimal-read" not in running()


def test_an_error_of_the_producer_arrives_after_its_items() -> None:
    def produce() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("broken")

    seen = []
    with pytest.raises(KeyError, match="broken"):
        for item in read_ahead(produce()):
            seen.append(item)
    assert seen == [1, 2]


def test_reading_ahead_is_bounded_and_stops_with_the_consumer() -> None:
    made = []

    def produce() -> Iterator[int]:
        for i in range(1000):
            made.append(i)
            yield i

    with closing(read_ahead(produce(), depth=2)) as items:
        for item in items:
            if item == 5:
                break
    assert len(made) <= 5 + 1 + 2 + 2
    assert "superanimal-read" not in running()


def test_finisher_works_in_order_and_waits() -> None:
    done: list[int] = []
    with Finisher(done.append) as finisher:
        for i in range(50):
            finisher.put(i)
    assert done == list(range(50))
    assert "superanimal-finish" not in running()


def test_an_error_of_the_finisher_reaches_the_caller() -> None:
    def work(item: int) -> None:
        if item == 3:
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"), Finisher(work, depth=1) as finisher:
        for i in range(100):
            finisher.put(i)
    with pytest.raises(OSError, match="disk"), Finisher(work) as finisher:
        finisher.put(3)


def test_an_error_of_the_caller_drops_what_waits() -> None:
    go = threading.Event()
    done: list[int] = []

    def work(item: int) -> None:
        go.wait(5)
        done.append(item)

    with pytest.raises(ValueError), Finisher(work, depth=5) as finisher:
        for i in range(5):
            finisher.put(i)
        threading.Timer(0.1, go.set).start()
        raise ValueError
    assert len(done) <= 1
