from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import torch

from superanimal.inference.labelled_animals import predict_animals
from superanimal.inference.views import View
from superanimal.labels import ImageRef, LabelledSet
from superanimal.zoo.entry import HeadSpec


class Brightest:
    """Finds the brightest place of a crop of 16 x 16 pixels, in one map for two keypoints."""

    keypoints = ("left_eye", "right_eye")
    head = HeadSpec("heatmap", stride=1)
    entry = SimpleNamespace(name="brightest", input_size=(16, 16), crop_margin=1.0)

    def heads(self, crops: np.ndarray) -> dict[str, torch.Tensor]:
        return {"heatmap": (torch.from_numpy(crops).float()[..., 0] / 255)[:, None].repeat(1, 2, 1, 1)}


def two_pictures(folder: Path) -> tuple[LabelledSet, np.ndarray]:
    """Two pictures with a bright spot each; animals are listed in another order than pictures."""
    spots = np.array([[20, 30], [52, 13]])
    images = []
    for k, (x, y) in enumerate(spots):
        picture = np.zeros((64, 64, 3), np.uint8)
        picture[y, x] = 255
        images.append(ImageRef(str(folder / f"{k}.png")))
        cv2.imwrite(images[-1].path, picture)
    order = np.array([1, 0])
    boxes = np.concatenate([spots[order] - [5, 9], np.full((2, 2), 16)], axis=1)
    visibility = np.full((2, 2), -1)
    labels = LabelledSet(
        "x", Brightest.keypoints, images, order, np.full((2, 2, 2), np.nan), visibility, boxes=boxes
    )
    return labels, spots[order]


def test_each_prediction_belongs_to_its_animal(tmp_path: Path) -> None:
    labels, spots = two_pictures(tmp_path)
    for views in ((View(),), (View(), View(mirrored=True)), (View(mirrored=True),)):
        xy, sure = predict_animals(Brightest(), labels, labels.boxes, views=views)  # type: ignore[arg-type]
        right = np.repeat(spots[:, None] + 0.5, 2, axis=1)  # this head counts from the corner
        np.testing.assert_allclose(xy, right, atol=1e-4)
        np.testing.assert_allclose(sure, 1.0)


def test_an_animal_without_a_box_is_not_asked_for(tmp_path: Path) -> None:
    labels, _ = two_pictures(tmp_path)
    boxes = labels.boxes.copy()
    boxes[0] = np.nan
    xy, sure = predict_animals(Brightest(), labels, boxes)  # type: ignore[arg-type]
    assert np.isnan(xy[0]).all() and np.isnan(sure[0]).all() and np.isfinite(xy[1]).all()
