"""Progress and cancellation of a long job."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from superanimal.errors import Cancelled


class Progress:
    """Counts completed work, estimates the remaining time and carries cancellation requests.

    The base class shows nothing; subclasses override :meth:`changed` and :meth:`message`.
    Methods may be called from any thread.

    Parameters
    ----------
    window_s
        Length in seconds of the recent window over which the rate is measured.
    """

    def __init__(self, window_s: float = 10.0) -> None:
        self.total: int | None = None
        self.title = ""
        self.unit = "frames"
        self.done = 0
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()

    def start(self, total: int | None, title: str = "", unit: str = "frames") -> None:
        """Begin a stage of ``total`` units (None when unknown)."""
        with self._lock:
            self.total, self.title, self.unit, self.done = total, title, unit, 0
            self._samples.clear()
            self._samples.append((time.monotonic(), 0))
        self.changed()

    def advance(self, n: int = 1) -> None:
        """Report ``n`` more completed units."""
        with self._lock:
            now = time.monotonic()
            self.done += n
            self._samples.append((now, self.done))
            while len(self._samples) > 2 and now - self._samples[0][0] > self._window_s:
                self._samples.popleft()
        self.changed()

    def message(self, text: str) -> None:
        """Show a message to the user."""

    def finish(self) -> None:
        """End the stage."""
        self.changed()

    def changed(self) -> None:
        """Show the new state; called whenever the count changes."""

    def emit(self, kind: str, /, **payload: Any) -> None:
        """Send an event to the observer, such as new results.

        Parameters
        ----------
        kind
            Kind of event: ``"landed"`` (``rows``, ``arrays``), ``"curve"`` (``row``), ``"store"`` (``path``).
        payload
            Numbers, strings, slices, arrays, and lists and mappings of these.
        """

    @property
    def rate(self) -> float:
        """Units per second over the recent window; 0 before anything is known."""
        with self._lock:
            if len(self._samples) < 2:
                return 0.0
            (t0, n0), (t1, n1) = self._samples[0], self._samples[-1]
            return (n1 - n0) / (t1 - t0) if t1 > t0 else 0.0

    @property
    def remaining_s(self) -> float | None:
        """Estimated remaining seconds, or None if unknown."""
        rate = self.rate
        return None if self.total is None or rate <= 0 else max(0.0, (self.total - self.done) / rate)

    def cancel(self) -> None:
        """Ask the job to stop at the next safe point."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether cancellation was requested."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise :class:`~superanimal.errors.Cancelled` when the job should stop."""
        if self.cancelled:
            raise Cancelled()


def clock(seconds: float) -> str:
    """Format a duration in seconds.

    >>> clock(42), clock(725), clock(3727)
    ('0:42', '12:05', '1:02:07')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
