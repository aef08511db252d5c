"""Progress that remembers, and progress that cancels."""

from __future__ import annotations

from superanimal.progress import Progress


class Listening(Progress):
    """Remembers what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


class CancelAt(Progress):
    """Cancels when so many frames are done."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames

    def changed(self) -> None:
        if self.done >= self.frames:
            self.cancel()
