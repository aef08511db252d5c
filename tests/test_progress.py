from __future__ import annotations

import threading

import pytest

from superanimal.errors import Cancelled
from superanimal.progress import Progress, clock


def test_counts_and_estimates(monkeypatch):
    clock = iter([0.0, 1.0, 2.0])
    monkeypatch.setattr("superanimal.progress.time.monotonic", lambda: next(clock))
    progress = Progress()
    progress.start(100)
    assert progress.rate == 0.0
    assert progress.remaining_s is None
    progress.advance(10)
    progress.advance(10)
    assert progress.done == 20
    assert progress.rate == pytest.approx(10.0)
    assert progress.remaining_s == pytest.approx(8.0)


def test_rate_follows_the_recent_window(monkeypatch):
    clock = iter([0.0, 1.0, 100.0, 101.0, 102.0])
    monkeypatch.setattr("superanimal.progress.time.monotonic", lambda: next(clock))
    progress = Progress(window_s=5.0)
    progress.start(None)
    progress.advance(1)
    progress.advance(1)
    progress.advance(7)
    progress.advance(7)
    assert progress.rate == pytest.approx(7.0)
    assert progress.remaining_s is None


def test_cancel_raises_at_the_next_check():
    progress = Progress()
    progress.check()
    progress.cancel()
    with pytest.raises(Cancelled):
        progress.check()


def test_subclass_sees_every_change_with_its_information():
    seen = []

    class Recorder(Progress):
        def changed(self):
            seen.append(self.done)

        def emit(self, kind, **payload):
            seen.append((kind, payload))

    progress = Recorder()
    progress.start(2)
    progress.emit("landed", rows=slice(0, 1))
    progress.advance(1)
    progress.finish()
    assert seen == [0, ("landed", {"rows": slice(0, 1)}), 1, 1]


def test_no_count_is_lost_between_threads():
    progress = Progress()
    progress.start(4000)
    threads = [threading.Thread(target=lambda: [progress.advance() for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert progress.done == 4000


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.6, 125, 3601, 90061)] == ["0:00", "1:00", "2:05", "1:00:01", "25:01:01"]
