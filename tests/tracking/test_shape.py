from __future__ import annotations

import numpy as np

from superanimal.synth.herd import Herd, make_herd
from superanimal.tracking.detections import detections_of
from superanimal.tracking.motion import learn_motion
from superanimal.tracking.shape import Looks, learn_looks
from superanimal.tracking.tracklets import make_tracklets


def looks_of(herd: Herd) -> tuple[Looks, np.ndarray, np.ndarray, np.ndarray]:
    """Return looks, true individual, start and end of the tracklets."""
    found = detections_of(herd.truth)
    parts = [p for p in make_tracklets(found, learn_motion(found)) if len(set(found.slot[p.members])) == 1]
    looks = learn_looks(found, parts)
    assert looks is not None
    who = np.array([found.slot[part.members[0]] for part in parts])
    return looks, who, np.array([p.start for p in parts]), np.array([p.end for p in parts])


def test_animals_of_different_shape_are_told_apart() -> None:
    herd = make_herd(2, 400, seed=0, variety=0.15, side=1500)
    herd.truth["position"].values[[*range(95, 105), *range(195, 205), *range(295, 305)]] = np.nan
    looks, who, start, end = looks_of(herd)
    assert looks.contrast(who, start, end) > 3
    scores = looks.scores(who, 2)
    long = looks.lengths >= 40
    assert long.sum() >= 6
    assert (scores.argmax(1) == who)[long].all()


def test_a_tracklet_is_not_judged_by_itself() -> None:
    looks, who, _, _ = looks_of(make_herd(2, 300, seed=1))
    only = np.full(len(who), -1)
    only[looks.lengths.argmax()] = 0
    scores = looks.scores(only, 2)
    assert scores[looks.lengths.argmax()].tolist() == [0, 0]  # nothing is known of either without it


def test_one_keypoint_has_no_shape() -> None:
    herd = make_herd(2, 100, seed=0)
    one = herd.truth.isel(keypoint=[4])
    found = detections_of(one)
    assert learn_looks(found, make_tracklets(found, learn_motion(found))) is None
