"""How many times the detector enlarges animals that are smaller than those of the training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from superanimal.inference import Analyzer
from superanimal.inference.first_look import Look
from superanimal.inference.zooming import Closeness
from superanimal.progress import Progress
from superanimal.synth import mouse_picture
from superanimal.zoo import load_catalog

SIDE, CANVAS = 1280, 320


class Eye:
    """A detector that sees the one mouse of a large frame if enlarged ``least`` times."""

    def __init__(self, analyzer: Analyzer, least: float, length: float = 50.0) -> None:
        picture = mouse_picture(3, (96, 96), length, 1)
        self.frame = np.full((SIDE, SIDE, 3), 150, np.uint8)
        self.frame[800:896, 300:396] = picture.image
        points = picture.keypoints[0] + [300, 800]
        self.box = np.array([*points.min(0), *points.max(0)], np.float32)
        self.size = float((self.box[2:] - self.box[:2]).max())
        self.least, self.entry = least * self.size * CANVAS / SIDE, analyzer.model.entry

    def seen_size(self, size: tuple[int, int]) -> int:
        return CANVAS

    def detect(
        self, frames: Sequence[np.ndarray], long_side: int | None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self._in(frame, (long_side or CANVAS) / max(frame.shape[:2])) for frame in frames]

    def _in(self, frame: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = np.nonzero((frame != 150).any(-1))
        if len(rows) < 96 * 96 * 0.9 or self.size * scale < self.least:
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        corner = np.array([columns.min(), rows.min()])
        box = self.box - np.tile([300, 800], 2) + np.tile(corner, 2)
        return box[None].astype(np.float32), np.array([0.9], np.float32)


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer("mini_topviewmouse", device="cpu", precision="fp32", scales="auto")


@pytest.mark.parametrize(("least", "zoom"), [(0.0, 2), (3.0, 4), (99.0, 1)])
def test_tiny_animals_are_enlarged_until_they_are_of_a_size_trained_on(
    analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch, least: float, zoom: int
) -> None:
    """Of some 15 px in the frame, twice enlarged it is large enough, and four times if not seen then."""
    eye = Eye(analyzer, least)
    monkeypatch.setattr(analyzer, "detector", eye)
    said: list[str] = []
    progress = Progress()
    monkeypatch.setattr(progress, "message", said.append)
    look = analyzer.closer(Look(), [eye.frame], "clip.mp4", progress)
    assert look.zoom == zoom
    assert Look.of_record(look.record()) == look
    assert (f"zooming x{zoom}" if zoom > 1 else "no sure animal") in said[0]
    if zoom > 1:
        (found,) = analyzer.estimator(look=look).estimate([eye.frame], np.arange(1), np.zeros(1, bool))
        middle = found.boxes[0, :2] + found.boxes[0, 2:] / 2
        assert (eye.box[:2] < middle).all() and (middle < eye.box[2:]).all()


def test_without_auto_nothing_is_enlarged(analyzer: Analyzer) -> None:
    plain = Analyzer(analyzer.model, device="cpu", scales="0.8,1,1.25")
    assert plain.closer(Look(), [], "clip.mp4", Progress()) == Look()
    assert "zoom" not in plain.settings.record() and analyzer.settings.record()["zoom"] is True


def test_every_pose_model_says_how_large_its_animals_were() -> None:
    for entry in load_catalog().of_kind("pose"):
        low, high = entry.animal_px
        assert 0 < low < high, entry.name


def test_what_is_said() -> None:
    entry = load_catalog()["mini_topviewmouse"]
    assert "x4.0, fine detail" in Closeness(Look(), 10.0, 64.0, 1).sentence("a.mp4", entry)
    assert "shrink them to 50%" in Closeness(Look(), 340.0, 64.0, 1).sentence("a.mp4", entry)
    assert Closeness(Look(), 90.0, 64.0, 1).sentence("a.mp4", entry).endswith("trained on 40 to 170 px")
