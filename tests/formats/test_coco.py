from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats import load_poses, save_poses

DOCUMENT = {
    "images": [{"id": 7, "file_name": "b/img20.png"}, {"id": 5, "file_name": "b/img31.png"}],
    "categories": [
        {"id": 1, "name": "cat", "keypoints": ["nose", "tail"]},
        {"id": 4, "name": "bird", "keypoints": ["bill", "nose"]},
        {"id": 9, "name": "tree"},
    ],
    "annotations": [
        {"id": 1, "image_id": 5, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 1], "bbox": [0, 0, 9, 8]},
        {"id": 2, "image_id": 5, "category_id": 4, "keypoints": [5, 6, 2, 0, 0, 0], "bbox": [1, 1, 2, 2]},
        {"id": 3, "image_id": 7, "category_id": 1, "keypoints": [7, 8, -1, 9, 10, 2]},
        {"id": 4, "image_id": 7, "category_id": 9, "bbox": [1, 1, 2, 2]},
    ],
}


def store(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps({**DOCUMENT, **changes}))
    return path


def test_several_animals_categories_and_visibilities(tmp_path: Path) -> None:
    ds = load_poses(store(tmp_path / "a.json"))
    assert list(ds["keypoint"].values) == ["nose", "tail", "bill"]
    assert list(ds["individual"].values) == ["animal0", "animal1"]
    assert list(ds["image"].values) == ["b/img20.png", "b/img31.png"]
    assert list(ds["frame"].values) == [20, 31]
    position = ds["position"].transpose("time", "individual", "keypoint", "space").values
    nan = np.nan
    np.testing.assert_array_equal(position[0, 0], [[nan, nan], [9, 10], [nan, nan]])
    np.testing.assert_array_equal(position[1, 0], [[1, 2], [3, 4], [nan, nan]])
    np.testing.assert_array_equal(position[1, 1], [[nan, nan], [nan, nan], [5, 6]])
    np.testing.assert_array_equal(ds["visibility"].values[1].T, [[2, 1, 0], [0, 0, 2]])
    np.testing.assert_array_equal(ds["boxes"].values[1].T, [[0, 0, 9, 8], [1, 1, 2, 2]])
    assert np.isnan(ds["boxes"].values[0]).all()


def test_visibility_and_images_come_back(tmp_path: Path) -> None:
    ds = load_poses(store(tmp_path / "a.json"))
    save_poses(ds, tmp_path / "b.json", image_size=(640, 480))
    back = load_poses(tmp_path / "b.json")
    xr.testing.assert_equal(back, ds)
    document = json.loads((tmp_path / "b.json").read_text())
    assert document["images"][0] == {
        "id": 0, "file_name": "b/img20.png", "frame_index": 20, "width": 640, "height": 480
    }  # fmt: skip
    assert [a["num_keypoints"] for a in document["annotations"]] == [1, 2, 1]
    assert all(len(a["bbox"]) == 4 for a in document["annotations"])


def test_track_ids_name_individuals(tmp_path: Path) -> None:
    annotations = [{**a, "track_id": 8 - i} for i, a in enumerate(DOCUMENT["annotations"][:3])]
    ds = load_poses(store(tmp_path / "a.json", annotations=annotations))
    assert list(ds["individual"].values) == ["track8", "track7", "track6"]


def test_skeleton_of_a_known_space_is_written(tmp_path: Path, poses: xr.Dataset) -> None:
    ds = poses.drop_vars("edited").assign_coords(keypoint=["nose", "head_midpoint", "tail_base"])
    save_poses(ds, tmp_path / "a.json")
    category = json.loads((tmp_path / "a.json").read_text())["categories"][0]
    assert category["name"] == "topviewmouse"
    assert category["skeleton"] == [[1, 2]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": []}, "is unknown"),
        ({"categories": [{"id": 1, "name": "cat"}, {"id": 4, "name": "x"}]}, "its category .* lists none"),
        ({"categories": [{"id": i, "keypoints": ["a"]} for i in (1, 4)]}, "annotation 1"),
        ({"images": None}, "images"),
    ],
)
def test_broken_documents_say_what_is_wrong(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        load_poses(store(tmp_path / "a.json", **changes))
