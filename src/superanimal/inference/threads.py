"""Overlapping work with threads: reading ahead, and finishing in the background.

Both are bounded, so memory stays constant, and both propagate exceptions of the thread.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

from superanimal.errors import Cancelled

T = TypeVar("T")
_POLL_S = 0.1
_END = object()


def read_ahead(items: Iterable[T], depth: int = 1) -> Iterator[T]:
    """Yield ``items``, produced by a thread that is at most ``depth`` + 1 items ahead.

    An exception of the producer is raised here after the items before it. Closing the generator (or an
    exception of the consumer) ends the thread.
    """
    waiting: queue.Queue[object] = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def put(item: object) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(_END)
        except BaseException as error:  # handed on, not swallowed
            put(_Failure(error))

    thread = threading.Thread(target=produce, name="superanimal-read", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


class Finisher(Generic[T]):
    """Calls a function on items in a thread, in order; use as a context manager.

    Leaving the context waits for all items; leaving it by an exception drops those not begun, unless it is
    the wish to stop.

    Parameters
    ----------
    function
        Called once per item.
    depth
        Maximum number of waiting items; beyond it :meth:`put` blocks.
    """

    def __init__(self, function: Callable[[T], None], depth: int = 2) -> None:
        self._function = function
        self._waiting: queue.Queue[object] = queue.Queue(maxsize=depth)
        self._error: BaseException | None = None
        self._drop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="superanimal-finish", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, (Cancelled, KeyboardInterrupt)):
            self._drop.set()
        self._put(_END)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def put(self, item: T) -> None:
        """Hand over an item; raises what went wrong with an earlier one."""
        self._put(item)
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _put(self, item: object) -> None:
        self._waiting.put(item)

    def _work(self) -> None:
        while (item := self._waiting.get()) is not _END:
            if self._drop.is_set():
                continue
            try:
                self._function(item)  # type: ignore[arg-type]
            except BaseException as error:  # handed on, not swallowed
                self._error = error
                self._drop.set()


class _Failure:
    """An exception on its way from one thread to another."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
