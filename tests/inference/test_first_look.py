"""At which size the detector looks at a video, and what a search finds that the usual look does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from superanimal.inference import Analyzer
from superanimal.inference.estimator import Estimator
from superanimal.inference.first_look import LOOKED_AT, Look, first_look, sampled_frames
from superanimal.synth import mouse_picture
from superanimal.zoo.entry import SearchSpec

Found = list[tuple[np.ndarray, np.ndarray]]
SEARCH = SearchSpec(sizes=(320, 640), sure=0.25, least=0.05)


class Scene:
    """Rendered mice, and a detector that sees a shoe in a corner, and the mouse at some sizes only."""

    def __init__(self, analyzer: Analyzer, sees_at: tuple[int | None, ...], score: float = 0.6) -> None:
        self.sees_at, self.score = sees_at, score
        picture = mouse_picture(3, (400, 400), 100.0, 1)
        self.frame = picture.image
        points = picture.keypoints[0]
        low, high = points.min(0), points.max(0)
        self.mouse = np.array([*low, *high], np.float32)
        self.shoe = np.array([0, 0, 60, 40], np.float32)
        analyzer.detector = self  # type: ignore[assignment]
        self.entry = analyzer.model.entry  # never asked here

    def detect(self, frames: Sequence[np.ndarray], long_side: int | None) -> Found:
        boxes, scores = [self.shoe], [0.4]
        if long_side in self.sees_at:
            boxes, scores = [self.mouse, self.shoe], [self.score, 0.4]
        return [(np.stack(boxes), np.array(scores, np.float32)) for _ in frames]


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer("mini_topviewmouse", device="cpu")


def estimator(analyzer: Analyzer, scene: Scene, search: SearchSpec | None) -> Estimator:
    from superanimal.inference.boxes import DetectorBoxes

    source = DetectorBoxes(scene, 0.2, analyzer.settings)  # type: ignore[arg-type]
    return Estimator(analyzer.model, source, analyzer.settings, analyzer.sigmas, search=search)


def test_the_usual_size_is_kept_where_it_shows_the_animal(analyzer: Analyzer) -> None:
    scene = Scene(analyzer, (None, 320, 640))
    look = first_look(estimator(analyzer, scene, None), [scene.frame] * 3, SEARCH)
    assert look == Look(None, (320, 640))


def test_the_size_that_shows_the_animal_is_taken(analyzer: Analyzer) -> None:
    scene = Scene(analyzer, (640,))
    look = first_look(estimator(analyzer, scene, None), [scene.frame] * 3, SEARCH)
    assert look == Look(640, (320, 640))
    assert Look.of_record(look.record()) == look


def test_a_search_finds_what_the_usual_look_does_not(analyzer: Analyzer) -> None:
    scene = Scene(analyzer, (640,))
    frames, rows, stills = [scene.frame] * 2, np.arange(2), np.zeros(2, dtype=bool)

    def found(search: SearchSpec | None, allowed: list[bool]) -> list[Any]:
        animals = estimator(analyzer, scene, search).estimate(frames, rows, stills, np.array(allowed))
        return [each.boxes[0] if len(each) else None for each in animals]

    with_search = found(SEARCH, [True, False])
    centre = with_search[0][:2] + with_search[0][2:] / 2
    assert (scene.mouse[:2] < centre).all() and (centre < scene.mouse[2:]).all()
    assert with_search[1] is None  # the pose on the shoe is worth too little to be an animal
    assert all(box is not None for box in found(None, [True, True]))  # as before, without a search


def test_the_frames_looked_at_do_not_depend_on_the_part_that_is_analysed() -> None:
    class Video:
        def __len__(self) -> int:
            return 100

        def frame_size(self, k: int) -> tuple[int, int]:
            return 20, 30

        def __getitem__(self, k: int) -> np.ndarray:
            return np.full((20, 30, 3), k, np.uint8)

    frames = sampled_frames(Video(), None)  # type: ignore[arg-type]
    assert len(frames) == LOOKED_AT and frames[0].shape == (20, 30, 3)
    assert [int(frame[0, 0, 0]) for frame in frames] == [6, 18, 31, 43, 56, 68, 81, 93]
    part = sampled_frames(Video(), (4, 5, 6, 7))  # type: ignore[arg-type]
    assert part[0].shape == (7, 6, 3)


def test_a_person_who_sets_a_threshold_decides(analyzer: Analyzer) -> None:
    assert Analyzer(analyzer.model, device="cpu").search == analyzer.model.entry.search is not None
    assert Analyzer(analyzer.model, device="cpu", detector_threshold=0.05).search is None
    assert Analyzer(analyzer.model, device="cpu", mode="compatible").search is None
