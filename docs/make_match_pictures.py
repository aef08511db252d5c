"""Make the pictures of docs/match.md: ``python docs/make_match_pictures.py``.

Forty rendered pictures, fifteen keypoints under a laboratory's own names, the ears labelled well in front of
where the model places them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
import xarray as xr

from superanimal.inference.labelled_images import predict_images
from superanimal.keypoints import match_predictions, measure_offsets, save_matching
from superanimal.labels import LabelledSet, synthetic_labels

IMAGES = Path(__file__).with_name("images")
NAMES = {
    "nose": "snout", "left_ear": "earL", "right_ear": "earR", "neck": "collar", "mid_back": "spine a",
    "mouse_center": "spine b", "mid_backend": "spine c", "mid_backend2": "spine d", "tail_base": "tail root",
    "tail2": "tail 1", "tail4": "tail 2", "left_shoulder": "shoulderL", "right_shoulder": "shoulderR",
    "left_hip": "hipL", "right_hip": "hipR",
}  # fmt: skip
RING, BEFORE, AFTER = (255, 255, 255), (255, 120, 60), (70, 170, 255)


def make_labels(folder: Path) -> LabelledSet:
    """Return the labels, under the laboratory's names."""
    labels = synthetic_labels(folder, 40, size=(320, 320), seed=11)
    own = [labels.keypoints.index(name) for name in NAMES]
    xy = labels.xy.copy()
    heading = xy[:, labels.keypoints.index("nose")] - xy[:, labels.keypoints.index("tail_base")]
    for name in ("left_ear", "right_ear"):
        xy[:, labels.keypoints.index(name)] += 0.06 * heading
    xy = xy[:, own]
    return labels.with_columns(
        keypoints=tuple(NAMES.values()), xy=xy, visibility=np.where(np.isfinite(xy).all(-1), 2, 0)
    )


def draw(labels: LabelledSet, before: xr.Dataset, after: xr.Dataset, row: int) -> np.ndarray:
    """Return the head of the animal of one image: labels as rings, predictions as dots."""
    (m, *_) = labels.animals_of(row)
    points = labels.xy[m]
    centre = np.nanmean(points[:4], axis=0)
    half = 0.45 * np.linalg.norm(points[0] - points[list(NAMES).index("tail_base")])
    scale = 360 / (2 * half)
    move = np.array([[scale, 0, 0], [0, scale, 0]])
    move[:, 2] = 180 - centre * scale
    picture = cv2.warpAffine(labels.pixels(row), move, (360, 360), flags=cv2.INTER_CUBIC)
    for ds, color in ((before, BEFORE), (after, AFTER)):
        for name in ("left_ear", "right_ear", "nose"):
            x, y = ds["position"].sel(keypoint=name).values[row, :, 0] * scale + move[:, 2]
            cv2.circle(picture, (round(float(x)), round(float(y))), 6, color, -1, cv2.LINE_AA)
    for x, y in points[:3] * scale + move[:, 2]:
        cv2.circle(picture, (round(float(x)), round(float(y))), 11, RING, 2, cv2.LINE_AA)
    return picture


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        labels = make_labels(Path(scratch))
        single = labels.subset([i for i in range(len(labels)) if len(labels.animals_of(i)) == 1])
        predictions = predict_images(single, "mini_topviewmouse", boxes="labels", device="cpu")
        matching = match_predictions(single, predictions)
        for warning in matching.warnings:
            print(warning)
        files = {file.name: file for file in save_matching(matching, Path(scratch) / "match", column="mylab")}
        for name in ("frequency", "bias"):
            picture = cv2.imread(str(files[f"{name}.png"]))
            small = cv2.resize(picture, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(IMAGES / f"match_{name}.png"), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        few = list(range(10))
        offsets = measure_offsets(single.subset(few), predictions.isel(time=few), matching)
        print(offsets.moved, offsets.facts["gain"])
        moved = offsets.apply(predictions)
        rows = range(10, 14)
        strip = np.concatenate([draw(single, predictions, moved, row) for row in rows], axis=1)
        cv2.imwrite(str(IMAGES / "match_offsets.jpg"), strip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
