"""Labels and image stacks: names come from the images, and a missing image shifts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import napari_superanimal as plugin
from napari_superanimal.pose_layer.stacks import image_names, with_image_names
from napari_superanimal.pose_layer.views import view_of
from superanimal.formats import load_poses
from superanimal.poses import make_poses

PLUGIN = "napari-superanimal"
NAMES = [f"img{i:03d}.png" for i in (2, 5, 11, 40)]


def write_images(folder: Path, names: list[str]) -> Path:
    from superanimal.labels.images import encode

    folder.mkdir(parents=True)
    for i, name in enumerate(names):
        (folder / name).write_bytes(encode(np.full((60, 80, 3), i * 40, np.uint8)))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_images(tmp_path / "labeled-data" / "clip", NAMES)


@pytest.fixture
def labels() -> xr.Dataset:
    """Labels of the four images: x is ten times the number of the image."""
    position = np.zeros((4, 2, 2, 1), np.float32)
    position[:, 0] = np.arange(4)[:, None, None] * 10 + 5
    position[:, 1] = 30
    return make_poses(
        position,
        keypoints=["nose", "tail"],
        individuals=["animal0"],
        images=[f"labeled-data/clip/{name}" for name in NAMES],
    )


def stack(viewer: Any, folder: Path) -> Any:
    (layer,) = viewer.open(str(folder), plugin="napari")
    return layer


def shown_x(viewer: Any, layer: Any, step: int) -> set[float]:
    viewer.dims.set_point(0, step)
    at = (np.asarray(layer.data)[:, 0] == step) & layer.shown
    return set(np.asarray(layer.data)[at, 2].tolist())


@pytest.mark.parametrize("images_first", [True, False])
def test_a_missing_image_shifts_no_labels(
    viewer: Any, folder: Path, labels: xr.Dataset, images_first: bool
) -> None:
    (folder / NAMES[1]).unlink()
    if images_first:
        stack(viewer, folder)
    layer = plugin.show_poses(viewer, labels)
    if not images_first:
        stack(viewer, folder)
    assert [shown_x(viewer, layer, step) for step in range(3)] == [{5}, {25}, {35}]
    assert shown_x(viewer, layer, 3) == {15}, "those without an image come last"
    xr.testing.assert_identical(plugin.layer_to_poses(layer), labels)


def test_an_image_without_labels_shifts_none(viewer: Any, folder: Path, labels: xr.Dataset) -> None:
    stack(viewer, folder)
    layer = plugin.show_poses(viewer, labels.isel(time=[0, 2, 3]))
    assert [shown_x(viewer, layer, step) for step in range(4)] == [{5}, set(), {25}, {35}]
    view = view_of(layer)
    viewer.dims.set_point(0, 1)
    assert view.time is None, "there is nothing to edit here"


def test_other_images_leave_the_labels_counted(viewer: Any, tmp_path: Path, labels: xr.Dataset) -> None:
    stack(viewer, write_images(tmp_path / "others", ["a.png", "b.png", "c.png"]))
    layer = plugin.show_poses(viewer, labels)
    assert [shown_x(viewer, layer, step) for step in range(4)] == [{5}, {15}, {25}, {35}]


def test_one_name_in_two_folders_is_told_apart(tmp_path: Path, labels: xr.Dataset) -> None:
    two = labels.isel(time=[0, 0]).assign_coords(
        image=("time", ["labeled-data/a/img0.png", "labeled-data/b/img0.png"]), frame=("time", [0, 1])
    )
    from napari_superanimal.pose_layer.table import PoseTable

    table = PoseTable(two)
    assert table.follow_stack(["/x/b/img0.png"]) == ["labeled-data/a/img0.png"]
    assert table.steps.tolist() == [1, 0]
    moved = PoseTable(labels)
    assert moved.follow_stack([f"/elsewhere/{name}" for name in NAMES[::-1]]) == []
    assert moved.steps.tolist() == [3, 2, 1, 0]


def test_labels_made_on_a_stack_are_saved_with_its_names(viewer: Any, folder: Path, tmp_path: Path) -> None:
    stack(viewer, folder)
    points = viewer.add_points(
        np.array([[1, 20, 30], [3, 25, 35]], float),
        features={"keypoint": ["nose", "nose"]},
        name="mine",
    )
    files = plugin.save(points, folder / "CollectedData_me.h5")
    saved = load_poses(files[0])
    assert saved["image"].values.tolist() == [f"labeled-data/clip/{NAMES[i]}" for i in (1, 3)]
    plugin.save(points, tmp_path / "predictions.h5", format="dlc-h5")
    assert "image" not in load_poses(tmp_path / "predictions.h5").coords


def test_points_over_a_video_get_no_names(viewer: Any, folder: Path, labels: xr.Dataset) -> None:
    poses = labels.drop_vars("image")
    layer = stack(viewer, folder)
    assert image_names(layer) == [(folder / name).as_posix() for name in NAMES]
    viewer.add_image(np.zeros((9, 60, 80), np.uint8), name="video")
    viewer.add_points(np.zeros((0, 3)), name="points")
    assert "image" not in with_image_names(poses, viewer, "points").coords
    viewer.layers.move(viewer.layers.index("points"), 1)
    assert "image" in with_image_names(poses, viewer, "points").coords
    longer = poses.assign_coords(frame=("time", [0, 1, 2, 4]))
    assert "image" not in with_image_names(longer, viewer, "points").coords
    assert with_image_names(poses, None, "points") is poses
