from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from superanimal.errors import InputError, NotFoundError
from superanimal.evaluation.cases import areas, make_cases
from superanimal.evaluation.names import match_names, read_map, side_pairs
from superanimal.labels.images import ImageRef
from superanimal.poses import load_space

MOUSE = load_space("topviewmouse").keypoints


def test_names_synonyms_and_map() -> None:
    found = match_names(["snout", "leftear", "Tail Base", "elbow"], MOUSE)
    assert found == {"snout": "nose", "leftear": "left_ear", "Tail Base": "tail_base"}
    found = match_names(["snout", "leftear"], MOUSE, {"snout": "head_midpoint", "leftear": ""})
    assert found == {"snout": "head_midpoint"}


def test_a_mapped_prediction_is_not_given_away_twice() -> None:
    assert match_names(["snout", "tip"], MOUSE, {"tip": "nose"}) == {"tip": "nose"}


def test_two_labels_for_one_prediction_are_refused() -> None:
    with pytest.raises(InputError, match=r"snout, nose all correspond to the predicted keypoint nose"):
        match_names(["snout", "nose"], MOUSE)


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"snut": "nose"}, "unknown labelled keypoint 'snut'"),
        ({"snout": "noze"}, "predicted keypoint 'noze'"),
    ],
)
def test_unknown_names_in_the_map(mapping: dict[str, str], text: str) -> None:
    with pytest.raises(NotFoundError, match=text):
        match_names(["snout"], MOUSE, mapping)


def test_nothing_in_common() -> None:
    with pytest.raises(InputError, match=r"no labelled keypoint \(wing, beak\).*keypoint map"):
        match_names(["wing", "beak"], MOUSE)


def test_map_files(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("label,prediction\nsnout, nose\ntail,\n")
    assert read_map(path) == {"snout": "nose", "tail": ""}
    path.write_text("snout,nose,3\n")
    with pytest.raises(InputError, match=r"line 1: 'snout,nose,3'"):
        read_map(path)
    path.write_text("snout,nose\nsnout,neck\n")
    with pytest.raises(InputError, match="line 2: snout appears a second time"):
        read_map(path)
    with pytest.raises(NotFoundError):
        read_map(tmp_path / "none.csv")


def test_sides_by_space_and_by_name() -> None:
    found = match_names(["leftear", "rightear"], MOUSE)
    assert side_pairs(list(found), found, load_space("topviewmouse")) == [("leftear", "rightear")]
    names = ["Nearknee", "Offknee", "Wither", "left_eye", "right_eye", "Nearhock"]
    found = {name: name for name in names}
    assert side_pairs(names, found, None) == [("left_eye", "right_eye"), ("Nearknee", "Offknee")]


AB = {"a": "a", "b": "b"}
POINTS = np.arange(12, dtype=float).reshape(3, 1, 2, 2)


def test_images_are_found_by_the_longest_common_path(labels_of, poses_of) -> None:
    refs = [ImageRef(f"/data/project/{d}/img0.png") for d in ("x", "y", "z")]
    labels = labels_of(POINTS, ["a", "b"], images=refs)
    shuffled = poses_of(
        POINTS[[2, 0]], ["a", "b"], images=["labeled-data\\z\\img0.png", "labeled-data/x/img0.png"]
    )
    cases = make_cases(labels, [shuffled], AB)
    assert cases.rows.tolist() == [0, 2]
    assert np.array_equal(cases.predicted[:, 0], cases.truth)
    assert cases.videos == ("x", "z")


def test_equal_file_names_in_different_folders_are_not_confused(labels_of, poses_of) -> None:
    labels = labels_of(POINTS, ["a", "b"], images=[ImageRef(f"{d}/img0.png") for d in ("x", "y", "z")])
    other = poses_of(POINTS, ["a", "b"], images=[f"{d}/img0.png" for d in ("p", "q", "r")])
    with pytest.raises(InputError, match="cover none of the 3 labelled images"):
        make_cases(labels, [other], AB)


def test_frames_of_a_video_with_an_offset(labels_of, poses_of) -> None:
    labels = labels_of(POINTS, ["a", "b"], images=[ImageRef(f"clip/img{i:04d}.png") for i in (50, 52, 60)])
    video = poses_of(POINTS[[0, 0, 1]], ["a", "b"], images=None, video_path="/far/clip.mp4")
    cases = make_cases(labels, [video], AB, frame_offset=-50)
    assert cases.rows.tolist() == [0, 1]
    assert np.array_equal(cases.predicted[:, 0], cases.truth)
    assert cases.frames[1] == ImageRef("/far/clip.mp4", frame=2)


def test_predictions_of_another_video_are_refused_unless_told(labels_of, poses_of) -> None:
    labels = labels_of(POINTS, ["a", "b"], images=[ImageRef(f"m4s1/img{i}.png") for i in range(3)])
    video = poses_of(POINTS, ["a", "b"], images=None, video_path="m3v1.mp4")
    with pytest.raises(InputError, match=r"predictions are of m3v1, the labels of 'm4s1'.*same_video=True"):
        make_cases(labels, [video], AB)
    assert len(make_cases(labels, [video], AB, same_video=True)) == 3


def test_one_prediction_per_video(labels_of, poses_of) -> None:
    refs = [ImageRef("one/img0.png"), ImageRef("one/img1.png"), ImageRef("two/img1.png")]
    labels = labels_of(POINTS, ["a", "b"], images=refs)
    one = poses_of(POINTS[:2], ["a", "b"], images=None, video_path="one.mp4")
    two = poses_of(POINTS[[0, 2]], ["a", "b"], images=None, source_file="twoDLC_resnet50.h5")
    cases = make_cases(labels, [two, one], AB)
    assert len(cases) == 3
    assert np.array_equal(cases.predicted[:, 0], cases.truth)
    with pytest.raises(InputError, match=r"two predictions cover the image one/img0.png"):
        make_cases(labels, [one, one], AB)


def test_images_that_name_no_frame(labels_of, poses_of) -> None:
    labels = labels_of(POINTS, ["a", "b"], images=[ImageRef(f"{name}.png") for name in "pqr"])
    with pytest.raises(InputError, match=r"p\.png does not say which frame"):
        make_cases(labels, [poses_of(POINTS, ["a", "b"], images=None)], AB)


def test_areas_take_boxes_then_extents_then_the_median(labels_of) -> None:
    nan = [np.nan, np.nan]
    points = np.array([[[[0, 0], [10, 20]]], [[[0, 0], [30, 20]]], [[[5, 5], nan]]], float)
    labels = labels_of(points, ["a", "b"])
    assert areas(labels).tolist() == [200, 600, 400]
    assert areas(labels, 20.0).tolist() == [50 * 60, 70 * 60, 40 * 40]
    boxes = np.full((3, 4), np.nan, np.float32)
    boxes[1] = [0, 0, 100, 50]
    assert areas(labels.with_columns(boxes=boxes)).tolist() == [200, 5000, 2600]
