"""COCO files with faults: each is an error that names the entry, in both readers."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superanimal.errors import FormatError, SuperAnimalError
from superanimal.formats import LossWarning, load_poses, save_poses
from superanimal.labels import read_labels
from superanimal.poses import make_poses

GOOD: dict[str, Any] = {
    "images": [
        {"id": 10, "file_name": "a1.png", "width": 64, "height": 48},
        {"id": 20, "file_name": "a2.png", "width": 64, "height": 48},
    ],
    "annotations": [
        {"id": 1, "image_id": 10, "category_id": 7, "keypoints": [1, 2, 2, 3, 4, 1], "bbox": [1, 2, 3, 4]},
        {"id": 2, "image_id": 20, "category_id": 7, "keypoints": [5, 6, 2, 0, 0, 0], "area": 9},
    ],
    "categories": [{"id": 7, "name": "mouse", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}],
}


def written(folder: Path, content: Any, encoding: str = "utf-8") -> Path:
    path = folder / "x.json"
    path.write_bytes(json.dumps(content).encode(encoding))
    return path


def changed(where: str, value: Any) -> dict[str, Any]:
    """Return GOOD with one entry replaced, such as ``annotations.0.bbox``; ``...`` removes it."""
    content = copy.deepcopy(GOOD)
    *path, last = [int(part) if part.isdigit() else part for part in where.split(".")]
    inner: Any = content
    for part in path:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return content


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("images.1.id", 10, "image 10: the id 10 belongs to 'a1.png' and to 'a2.png'"),
        ("images.1.id", ..., "image number 1: id is missing"),
        ("images.0.width", "wide", "image 10: width is 'wide'"),
        ("annotations", None, "'annotations' is null"),
        ("annotations.0.image_id", 11, "annotation 1: image_id 11 is unknown"),
        ("annotations.0.image_id", "10", "annotation 1: image_id '10' is unknown"),
        ("annotations.0.category_id", ..., "annotation 1: category_id is missing"),
        ("annotations.0.bbox", [1, 2, 3], r"annotation 1: bbox is \[1, 2, 3\]"),
        ("annotations.0.bbox", [[1, 2], [3, 4]], "annotation 1: bbox"),
        ("annotations.0.keypoints", [1, 2, 3, 4], "annotation 1: 4 numbers"),
        ("annotations.0.keypoints", [1, 2, 0.9, 3, 4, 0.8], "annotation 1: the visibility of 'nose' is 0.9"),
        ("annotations.0.keypoints", [1, 2, 2, None, None, 2], "annotation 1: 'tail' has visibility 2"),
        ("annotations.0.keypoints", {"nose": 1}, "annotation 1: keypoints is not a list of numbers"),
        ("annotations.1.score", "good", "annotation 2: score is 'good'"),
        ("annotations.1.score", 98.2, "scores from 98.2 to 98.2"),
        ("annotations.1.area", "big", "annotation 2: area is 'big'"),
        ("categories.0.id", ..., "category number 0: id is missing"),
        ("categories.0.keypoints", ["nose", "nose"], "category 7: keypoint 'nose' is listed twice"),
        ("categories.0.keypoints", "nose,tail", "category 7: keypoints is str"),
        (
            "categories.0.keypoints",
            ...,
            "annotation 1: .* category 'mouse' lists none",
        ),
    ],
)
def test_faults_are_named(tmp_path: Path, where: str, value: Any, message: str) -> None:
    path = written(tmp_path, changed(where, value))
    with pytest.raises(FormatError, match=message):
        load_poses(path, "coco")
    with pytest.raises(FormatError, match=message):
        read_labels(path, format="coco")


def test_an_animal_with_a_score_was_predicted(tmp_path: Path) -> None:
    path = written(tmp_path, changed("annotations.0.score", 0.8))
    assert read_labels(path).predicted and not read_labels(written(tmp_path, GOOD)).predicted
    sure = read_labels(written(tmp_path, changed("annotations.0.score", 0.8)), min_confidence=0.9)
    assert sure.n_individuals == 1 and not sure.predicted


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("annotations.0.bbox", None),
        ("annotations.0.image_id", 10.0),
        ("annotations.0.keypoints", [[1, 2, 2], [3, 4, 1]]),
        ("annotations.1.keypoints", [5, 6, 2, None, None, 0]),
        ("images.0.width", "64"),
        ("images.0.file_name", "https://host/x/a1.png"),
        ("images.0.file_name", "C:\\data\\a1.png"),
        ("categories.0.supercategory", None),
    ],
)
def test_odd_but_clear_files_are_read(tmp_path: Path, where: str, value: Any) -> None:
    (tmp_path / "a1.png").touch()
    path = written(tmp_path, {**changed(where, value), "info": "made by hand", "licenses": None}, "utf-8-sig")
    labels = read_labels(path)
    assert labels.xy[:, 0].tolist() == [[1, 2], [5, 6]]
    assert labels.visibility.tolist() == [[2, 1], [2, 0]]
    assert Path(labels.images[0].path) == tmp_path / "a1.png"
    assert labels.edges == (("nose", "tail"),)
    np.testing.assert_array_equal(load_poses(path)["position"].values[0, :, 0, 0], [1, 2])


def test_boxes_alone_are_left_out_with_a_word(tmp_path: Path) -> None:
    path = written(tmp_path, changed("annotations.0.keypoints", None))
    with pytest.warns(UserWarning, match="without keypoints"):
        assert read_labels(path).n_individuals == 1


def test_crowds_are_no_animals(tmp_path: Path) -> None:
    path = written(tmp_path, changed("annotations.0.iscrowd", 1))
    for read in (read_labels, load_poses):
        with pytest.warns(UserWarning, match="1 annotations of crowds"):
            found = read(path)
    assert found.sizes["individual"] == 1


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("images.1.file_name", GOOD["images"][0]["file_name"], "is the file .* of image 10 again"),
        ("annotations.0.track_id", 3, "1 of 2 annotations name no individual or track"),
    ],
)
def test_what_may_be_meant_otherwise_is_said(tmp_path: Path, where: str, value: Any, message: str) -> None:
    with pytest.warns(UserWarning, match=message):
        load_poses(written(tmp_path, changed(where, value)))


def test_a_track_that_stands_twice_in_an_image_is_told(tmp_path: Path) -> None:
    content = changed("annotations.0.track_id", 3)
    content["annotations"][1] |= {"track_id": 3, "image_id": 10}
    with pytest.warns(UserWarning, match="individual or track 3 stands twice"):
        assert load_poses(written(tmp_path, content)).sizes["individual"] == 2


def test_frame_numbers_of_several_videos_are_not_mixed(tmp_path: Path) -> None:
    content = copy.deepcopy(GOOD)
    for image, video in zip(content["images"], "ab", strict=False):
        image |= {"file_name": f"{video}/img5.png", "frame_index": 5}
    assert load_poses(written(tmp_path, content))["frame"].values.tolist() == list(
        range(len(content["images"]))
    )


def test_image_without_a_name(tmp_path: Path) -> None:
    path = written(tmp_path, changed("images.0.file_name", ...))
    with pytest.raises(FormatError, match="image 10 has no file_name"):
        read_labels(path)


VALUES = [None, -1, 1e99, "x", [], {}, [None], True, [[1]], float("nan")]


def mutants(content: Any, rng: random.Random) -> Any:
    """Return the content with one value, anywhere, replaced or removed."""
    content = copy.deepcopy(content)
    inner = content
    while True:
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        key = rng.choice(keys)
        deeper = isinstance(inner[key], (dict, list)) and len(inner[key]) and rng.random() < 0.8
        if not deeper:
            break
        inner = inner[key]
    if rng.random() < 0.3:
        del inner[key]
    else:
        inner[key] = rng.choice(VALUES)
    return content


@pytest.mark.filterwarnings("ignore")
def test_no_damage_breaks_through(tmp_path: Path) -> None:
    rng = random.Random(0)
    refused = 0
    for _ in range(300):
        path = written(tmp_path, mutants(GOOD, rng))
        for read in (load_poses, read_labels):
            try:
                read(path)
            except SuperAnimalError as error:
                refused += 1
                assert str(path) in str(error) or "image" in str(error)
    assert refused > 100  # most mutants are damaged


def test_coco_of_a_video_says_that_its_pictures_are_not_there(tmp_path: Path) -> None:
    ds = make_poses(np.ones((2, 2, 1, 1)), keypoints=["nose"])
    with pytest.warns(LossWarning, match=r"frame_000000\.png that are not there"):
        save_poses(ds, tmp_path / "v.json", "coco")
