"""Folders, projects and files with labelled images open as images with labels; others are left alone."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from napari_superanimal._labels_reader import get_labels_reader
from napari_superanimal._reader import get_poses_reader
from napari_superanimal.pose_layer.layers import layer_to_poses

SIZES = ((40, 60), (40, 60), (50, 50))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A DeepLabCut project with three labelled images, the last of another size."""
    root = tmp_path / "project"
    folder = root / "labeled-data" / "clip"
    folder.mkdir(parents=True)
    for i, (height, width) in enumerate(SIZES):
        cv2.imwrite(str(folder / f"img{i}.png"), np.full((height, width, 3), 50 * (i + 1), np.uint8))
    columns = pd.MultiIndex.from_product(
        [["ann"], ["nose", "tail"], ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    index = pd.MultiIndex.from_tuples([("labeled-data", "clip", f"img{i}.png") for i in range(3)])
    values = np.arange(12, dtype=float).reshape(3, 4)
    values[1, 2:] = np.nan
    pd.DataFrame(values, index, columns).to_hdf(folder / "CollectedData_ann.h5", key="df_with_missing")
    config = {"Task": "t", "scorer": "ann", "date": "x", "project_path": str(root), "video_sets": {}}
    (root / "config.yaml").write_text(yaml.safe_dump(config | {"bodyparts": ["nose", "tail"]}))
    return root


@pytest.mark.parametrize(
    "what",
    [
        "",
        "config.yaml",
        "labeled-data",
        "labeled-data/clip",
        "labeled-data/clip/CollectedData_ann.h5",
    ],
)
def test_labelled_images_open_with_their_labels(project: Path, what: str) -> None:
    path = str(project / what)
    reader = get_labels_reader(path)
    assert reader is not None
    assert get_poses_reader(path) is None  # one reader, so that nobody is asked which
    (pictures, keywords, kind), labels = reader(path)
    assert kind == "image" and keywords["rgb"]
    assert pictures.shape == (3, 50, 60, 3)
    assert [Path(name).name for name in keywords["metadata"]["images"]] == [
        "img0.png",
        "img1.png",
        "img2.png",
    ]
    np.testing.assert_array_equal(pictures[2, :50, :50].compute(), 150)  # in their place, black beside it
    assert not pictures[2, :, 50:].compute().any()
    poses = layer_to_poses(labels)
    assert poses["position"].values[0, :, :, 0].T.tolist() == [[0, 1], [2, 3]]
    assert np.isnan(poses["position"].values[1, :, 1, 0]).all()
    assert [Path(name).name for name in poses["image"].values] == ["img0.png", "img1.png", "img2.png"]


def test_a_missing_image_is_told_and_keeps_its_place(project: Path) -> None:
    (project / "labeled-data" / "clip" / "img1.png").unlink()
    reader = get_labels_reader(str(project))
    assert reader is not None
    with pytest.warns(UserWarning, match=r"1 of 3 images are missing.*img1\.png"):
        (pictures, _, _), labels = reader(str(project))
    assert len(pictures) == 3 and layer_to_poses(labels).sizes["time"] == 3
    assert pictures[2].compute().max() == 150
    with pytest.warns(UserWarning, match="shown in black"):
        assert not pictures[1].compute().any()


def test_other_folders_and_files_are_left_to_others(project: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    cv2.imwrite(str(plain / "a.png"), np.zeros((4, 4, 3), np.uint8))
    (plain / "config.yaml").write_text("Task: x\nmodel: {layers: 3}\n")
    (plain / "other.yaml").write_text("a: [1, 2")
    (tmp_path / "CollectedData_x.h5").write_bytes(b"nothing")
    for path in (plain, plain / "config.yaml", plain / "other.yaml", tmp_path / "CollectedData_x.h5"):
        assert get_labels_reader(str(path)) is None
        assert get_poses_reader(str(path)) is None
    assert get_labels_reader([str(project), str(plain)]) is None
