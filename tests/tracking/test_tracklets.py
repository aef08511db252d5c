from __future__ import annotations

import numpy as np

from superanimal.poses import make_poses
from superanimal.tracking.detections import Detections, detections_of
from superanimal.tracking.motion import learn_motion
from superanimal.tracking.tracklets import Tracklet, make_tracklets

BODY = np.array([[-20, 0], [0, 8], [20, 0], [5, -6]])


def tracklets(places: np.ndarray) -> tuple[Detections, list[Tracklet]]:
    """Return the tracklets of animals with these places (T, N, 2)."""
    points = places[:, :, None] + BODY
    found = detections_of(make_poses(points.transpose(0, 3, 2, 1), keypoints=list("abcd")))
    return found, make_tracklets(found, learn_motion(found))


def walks() -> np.ndarray:
    rng = np.random.default_rng(0)
    t = np.arange(80.0)
    first = np.stack([100 + 2 * t, np.full(80, 100.0)], -1)
    return np.stack([first, first + [0, 200]], 1) + 0.3 * rng.normal(size=(80, 2, 2))


def test_apart_there_is_one_tracklet_for_each() -> None:
    found, parts = tracklets(walks())
    assert [len(each) for each in parts] == [80, 80]
    assert len(set(found.slot[parts[0].members])) == 1


def test_a_miss_is_bridged_and_a_long_absence_is_not() -> None:
    places = walks()
    places[40, 0] = np.nan
    places[20:50, 1] = np.nan
    assert sorted(len(each) for each in tracklets(places)[1]) == [20, 30, 79]


def test_they_end_where_two_animals_become_one() -> None:
    places = walks()
    places[:, 1] = places[:, 0] + [0, 18]
    places[40:45, 1] = np.nan
    ends = {each.end for each in tracklets(places)[1]}
    assert 39.0 in ends
    assert 44.0 in ends


def test_every_detection_is_in_one_tracklet() -> None:
    places = walks()
    places[:, 1] = places[:, 0] + np.linspace(-60, 60, 80)[:, None]
    found, parts = tracklets(places)
    members = np.concatenate([each.members for each in parts])
    assert sorted(members.tolist()) == list(range(len(found)))
