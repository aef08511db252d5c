"""What every dock shows of its long job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_superanimal.jobs import ChildJob, Report
from napari_superanimal.parts.job_panel import JobPanel
from superanimal.errors import InputError


class Toy(ChildJob):
    """A job without a process: a test says how it goes."""

    name, unit, kept = "toy", "things", "what is done is kept"

    def __init__(self) -> None:
        super().__init__()
        self.stopped = 0

    def stop(self) -> None:
        self.stopped += 1

    def go(self, state: str, **values: Any) -> None:
        self.report = Report(state, unit=values.pop("unit", "things"), **values)
        self.reported.emit(self.report)


@pytest.fixture
def panel(qtbot: Any) -> Iterator[JobPanel]:
    dock = QWidget()
    qtbot.addWidget(dock)
    panel = JobPanel(dock, ("Run", "", lambda: None), ("Cancel", ""), ("Resume", "", lambda: None))
    QVBoxLayout(dock).addWidget(panel)
    panel.changed.connect(lambda: panel.allow(True, panel.job is not None))
    panel.allow(True)
    yield panel


@pytest.fixture
def job(panel: JobPanel) -> Toy:
    job = Toy()
    panel.begin(job)
    return job


@pytest.mark.parametrize(
    ("state", "values", "status"),
    [
        ("starting", {"text": "Loading the model"}, "Loading the model…"),
        ("running", {"done": 3, "total": 1200, "remaining_s": 62.2, "rate": 2.0},
         "3 of 1,200 things · 2.0 things/s · 1:02 left"),
        ("running", {"done": 1, "total": 4, "unit": "images", "text": "looking around", "rate": 1.0},
         "looking around · 1 of 4 images"),
        ("running", {"done": 5_100_000, "total": 30_000_000, "unit": "bytes", "text": "downloading a"},
         "downloading a · 5 of 30 MB"),
        ("cancelling", {"done": 3, "total": 9}, "3 of 9 things · stopping…"),
        ("cancelled", {"done": 3, "total": 9}, "3 of 9 things · cancelled; what is done is kept"),
        ("finished", {"done": 4, "total": 4, "unit": "images"}, ""),
    ],
)  # fmt: skip
def test_the_line_of_status(
    panel: JobPanel, job: Toy, state: str, values: dict[str, Any], status: str
) -> None:
    job.go(state, **values)
    assert panel.status.text() == status and panel.status.isVisibleTo(panel) == bool(status)
    assert panel.bar.isVisibleTo(panel) == job.running


def test_buttons_follow_the_job(panel: JobPanel, job: Toy) -> None:
    def enabled() -> list[bool]:
        return [b.isEnabled() for b in (panel.run_button, panel.cancel_button, panel.resume_button)]

    job.go("running", done=1, total=4)
    assert enabled() == [False, True, False]
    job.go("cancelling", done=1, total=4)
    assert enabled() == [False, False, False] and panel.cancel_button.text() == "Cancel"
    job.grace_ms = 900_000  # it has a lot to do before it stops
    job.go("cancelling", done=1, total=4)
    assert enabled() == [False, True, False] and panel.cancel_button.text() == "End immediately"
    job.go("cancelled", done=1, total=4)
    assert enabled() == [True, False, True] and panel.cancel_button.text() == "Cancel"


def test_the_end_is_told_once(panel: JobPanel, job: Toy) -> None:
    ends: list[str] = []
    panel.ended.connect(lambda report: ends.append(report.state))
    job.go("running", total=3)
    job.go("died", text="It broke.", remedy="Start it again.")
    assert panel.message.kind == "error" and panel.message.text == "It broke.\nStart it again."
    panel.message.show_text("good", "Saved.")
    job.reported.emit(job.report)  # what is said later stays
    assert panel.message.text == "Saved." and ends == ["died"]
    job.go("starting")
    assert not panel.message.text
    job.go("finished")
    assert ends == ["died", "finished"] and panel.bar.value() == panel.bar.maximum()


def test_a_job_of_the_dock_ends_with_the_next_one_and_a_job_on_show_goes_on(
    panel: JobPanel, job: Toy
) -> None:
    other, third = Toy(), Toy()
    panel.begin(other)
    assert job.stopped == 1 and panel.job is other
    panel.follow(third)
    other.go("failed", text="Nobody listens.")
    assert other.stopped == 0 and not panel.message.text
    panel.follow(None)
    assert not panel.running and not panel.status.text()


def test_refusals_are_shown_with_a_way_out(panel: JobPanel) -> None:
    taken: list[bool] = []

    def refuse() -> None:
        raise InputError("x is 3", "it must be 4", "take 4")

    assert isinstance(panel.attempt(refuse), InputError)
    assert "X is 3; it must be 4." in panel.message.text
    panel.message.offer("Take 4", lambda: taken.append(True))
    panel.message.button.click()
    assert taken and panel.attempt(lambda: None) is None and not panel.message.text
