"""Events of a job survive the pipe: numbers, slices, arrays, whole objects."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from superanimal.jobs.events import PipeProgress, pack_object, unpack, unpack_object


def lines_of(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_arrays_and_slices_arrive() -> None:
    out = io.StringIO()
    position = np.array([[1.5, np.nan], [-3, 4]], dtype=np.float32)
    PipeProgress(out).emit("landed", rows=slice(4, 6), arrays={"position": position})
    (event,) = lines_of(out)
    assert event["event"] == "landed" and event["rows"] == [4, 6]
    np.testing.assert_array_equal(unpack(event["arrays"])["position"], position)  # type: ignore[arg-type]


def test_the_count_is_told_at_the_start_and_at_the_end() -> None:
    out = io.StringIO()
    progress = PipeProgress(out)
    progress.start(1000, "clip.mp4")
    for _ in range(1000):
        progress.advance()
    events = lines_of(out)
    assert [event["event"] for event in events[:2]] == ["progress", "started"]
    assert events[-1]["event"] == "progress" and events[-1]["done"] == 1000
    assert len(events) < 1000


def test_what_cannot_travel_is_named() -> None:
    with pytest.raises(TypeError, match="object cannot be sent"):
        PipeProgress(io.StringIO()).emit("odd", value=object())


def test_objects_come_back() -> None:
    assert unpack_object(pack_object({"a": (1, "b")})) == {"a": (1, "b")}
