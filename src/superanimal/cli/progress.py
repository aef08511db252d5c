"""A progress bar in the terminal: frames, frames per second, time left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from rich import progress as bars
from rich.console import Console

from superanimal.errors import told
from superanimal.progress import Progress, clock


class RichProgress(Progress):
    """Shows a bar on standard error; use as a context manager.

    Parameters
    ----------
    console
        Where to draw; without a terminal only messages are printed.
    within
        Draw another bar below those of this one, and remove it when it is finished.
    """

    def __init__(self, console: Console | None = None, within: RichProgress | None = None) -> None:
        super().__init__()
        self._passing = within is not None
        self._bar: bars.Progress = _bars(console) if within is None else within._bar
        self._task: bars.TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def start(self, total: int | None, title: str = "", unit: str = "frames") -> None:
        """See :class:`~superanimal.progress.Progress`."""
        self._task = self._bar.add_task(title.replace("[", r"\["), total=total, rate="", left="")
        super().start(total, title, unit)

    def message(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(told(text, "shell"), markup=False, highlight=False, soft_wrap=True)

    def finish(self) -> None:
        """Leave the finished bar on the screen, or remove it if it is one among others."""
        if self._task is None:
            return
        if self._passing:
            self._bar.remove_task(self._task)
        else:
            self._bar.update(self._task, completed=self.done, left="")
        self._task = None

    def changed(self) -> None:
        """See :class:`~superanimal.progress.Progress`."""
        if self._task is None:
            return
        left = self.remaining_s
        self._bar.update(
            self._task,
            completed=self.done,
            rate=f"{self.rate:.1f} {self.unit}/s" if self.rate else "",
            left="" if left is None else f"{clock(left)} left",
        )


def _bars(console: Console | None) -> bars.Progress:
    return bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]}"),
        bars.TextColumn("{task.fields[left]}"),
        console=console or Console(stderr=True, highlight=False),
    )


@contextmanager
def stop_on_interrupt(progress: Progress) -> Iterator[None]:
    """On the first Ctrl-C, stop a long job at its next safe point; on the second, stop it immediately."""

    def ask(number: int, frame: FrameType | None) -> None:
        progress.message("stopping after this step; press Ctrl-C again to stop immediately")
        progress.cancel()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
