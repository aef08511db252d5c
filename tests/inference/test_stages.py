"""A run says how fast it went, what limited it, and what would help."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from watching import Listening

from superanimal.inference import pipeline, stages
from superanimal.inference.stages import DETECTOR, POSE, READING, REST, Stages


def test_the_stage_that_took_most_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(stages.time, "perf_counter", lambda: now[0])
    clock = Stages()
    clock.begin()
    for stage, seconds in ((READING, 1.0), (POSE, 6.0), (DETECTOR, 2.0)):
        with clock.of(stage):
            now[0] += seconds
    now[0] += 1.0
    assert clock.shares() == pytest.approx({READING: 0.1, POSE: 0.6, DETECTOR: 0.2, "writing": 0, REST: 0.1})
    said = clock.sentence(50, "cpu", "onnxruntime")
    assert said == (
        "5.0 frames/s, 60% of the time for the pose network (onnxruntime on cpu); a GPU would help most"
    )
    with clock.of(READING):
        now[0] += 20.0
    assert "waiting for frames of the video; a copy of the video" in clock.sentence(50, "cpu", "torch")


def test_a_video_that_stalls_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "STALLED_S", 0.01)
    heard = Listening()

    def slow() -> Iterator[int]:
        while not heard.messages:
            time.sleep(0.01)
        yield 1

    assert pipeline._next(slow(), Stages(), heard) == 1  # type: ignore[arg-type]
    assert heard.messages[0].startswith("no frame of the video has arrived for")
