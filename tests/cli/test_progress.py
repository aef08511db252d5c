from __future__ import annotations

import io

from rich.console import Console

from superanimal.cli.progress import RichProgress


def test_the_bar_shows_what_is_done() -> None:
    text = io.StringIO()
    with RichProgress(Console(file=text, force_terminal=True, width=120)) as progress:
        progress.start(10, title="clip[1].mp4")
        for _ in range(10):
            progress.advance()
        progress.message("a note with [brackets]")
        progress.finish()
    shown = text.getvalue()
    assert "clip[1].mp4" in shown and "10/10" in shown and "a note with [brackets]" in shown
    assert progress.done == 10


def test_bars_among_others_go_when_they_are_finished() -> None:
    text = io.StringIO()
    with RichProgress(Console(file=text, force_terminal=True, width=120)) as progress:
        progress.start(2, title="videos")
        one = RichProgress(within=progress)
        one.start(10, title="clip.mp4")
        one.advance(10)
        one.finish()
        one.advance()  # too late to be shown
        assert [task.description for task in progress._bar.tasks] == ["videos"]
    assert "clip.mp4" in text.getvalue()
