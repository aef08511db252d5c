"""What cannot be used of a labelled set is left out and named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from superanimal.errors import NotFoundError
from superanimal.labels import ImageRef, LabelledSet
from superanimal.labels.usable import usable, within_images


def labelled_set(folder: Path, xy: list, boxes: list | None = None) -> LabelledSet:
    """One animal with two keypoints in each image of 60 x 40 pixels."""
    for i in range(len(xy)):
        cv2.imwrite(str(folder / f"{i}.png"), np.zeros((40, 60, 3), np.uint8))
    images = [ImageRef(str(folder / f"{i}.png")) for i in range(len(xy))]
    points = np.array(xy, np.float32)
    flags = np.where(np.isfinite(points).all(-1), 2, 0)
    return LabelledSet("s", ("nose", "tail"), images, np.arange(len(xy)), points, flags, boxes=boxes)


def test_what_is_right_stays_as_it_is(tmp_path: Path) -> None:
    nan = float("nan")
    right = labelled_set(
        tmp_path, [[(0, 0), (59, 39)], [(-0.6, 40), (60, 0)], [(nan, nan), (5, 5)]],
        [[-5, -5, 80, 60], [50, 30, 40, 40], [nan] * 4],
    )  # fmt: skip
    assert usable(right) is right


@pytest.mark.parametrize("point", [(5000, 3), (-1, -1), (-200, 3), (3, 41.5), (1e9, 1e9), (3, -1e30)])
def test_points_outside_become_undefined_and_are_named(tmp_path: Path, point: tuple[float, float]) -> None:
    found = usable(labelled_set(tmp_path, [[(3, 4), point], [(5, 6), (7, 8)]]))
    assert found.visibility.tolist() == [[2, -1], [2, 2]]
    assert "tail at" in found.notes[0] and "0.png (60 x 40 pixels)" in found.notes[0]
    assert "1.png" not in found.notes[0]


def test_the_size_is_that_of_each_image(tmp_path: Path) -> None:
    wide = labelled_set(tmp_path, [[(3, 4), (70, 8)], [(3, 4), (70, 8)]])
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((40, 90, 3), np.uint8))
    assert usable(wide).visibility.tolist() == [[2, -1], [2, 2]]


def test_an_image_of_another_size_than_the_labels_say_is_left_out(tmp_path: Path) -> None:
    found = labelled_set(tmp_path, [[(3, 4), (7, 8)]] * 2)
    images = [
        ImageRef(image.path, width=60 * k, height=40 * k)
        for image, k in zip(found.images, (2, 1), strict=True)
    ]
    found = found.with_columns(images=images)
    assert [image.label for image in usable(found).images] == [images[1].path]
    for notes in (usable(found).notes, within_images(found).notes):
        assert "0.png (60 x 40 pixels, the labels say 120 x 80)" in notes[0]
    assert len(within_images(found)) == 2


@pytest.mark.parametrize("box", [[60, 5, 10, 10], [-30, 5, 30, 10], [0, 0, 1e9, 1e9], [5, 500, 20, 20]])
def test_boxes_beside_the_image_are_left_out(tmp_path: Path, box: list[float]) -> None:
    found = usable(labelled_set(tmp_path, [[(3, 4), (7, 8)]] * 2, [box, [0, 0, 20, 20]]))
    assert np.isnan(found.boxes[0]).all() and np.isfinite(found.boxes[1]).all()
    assert "0.png" in found.notes[0]


def test_many_are_counted_once_some_are_named(tmp_path: Path) -> None:
    found = usable(labelled_set(tmp_path, [[(3, 4), (500, 8)]] * 12))
    assert found.notes[0].count("tail at") == 8 and "and 4 more" in found.notes[0]


def test_images_that_are_gone_or_broken_are_left_out(tmp_path: Path) -> None:
    labelled = labelled_set(tmp_path, [[(3, 4), (7, 8)]] * 4)
    (tmp_path / "1.png").unlink()
    (tmp_path / "2.png").write_bytes(b"")
    found = usable(labelled)
    assert [image.path for image in found.images] == [str(tmp_path / f"{i}.png") for i in (0, 3)]
    assert "2 of 4 images" in found.notes[0]
    assert "1.png (missing)" in found.notes[0] and "2.png (not an image)" in found.notes[0]
    with pytest.raises(NotFoundError, match="none of the 2 images"):
        usable(labelled.subset([1, 2]))


def test_points_outside_go_though_an_image_is_missing(tmp_path: Path) -> None:
    labelled = labelled_set(tmp_path, [[(3, 4), (500, 8)]] * 3)
    images = [labelled.images[0], ImageRef("gone.png"), ImageRef("known.png", width=60, height=40)]
    found = within_images(labelled.with_columns(images=images))
    assert found.visibility.tolist() == [[2, -1], [2, 2], [2, -1]]
    assert len(found.notes) == 1 and "gone.png" not in found.notes[0]


def test_an_infinite_coordinate_is_named_when_labels_are_taken() -> None:
    from superanimal.labels import from_poses
    from superanimal.poses import make_poses

    position = np.ones((2, 2, 2, 1), np.float32)
    position[1, 0, 1] = np.inf
    poses = make_poses(position, keypoints=["nose", "tail"], images=["a.png", "b.png"])
    found = from_poses(poses, name="s")
    assert found.visibility.tolist() == [[2, 2], [2, -1]]
    assert "tail in b.png" in found.notes[0]
