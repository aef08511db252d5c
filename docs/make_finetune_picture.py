"""Draw docs/images/finetune.jpg: rendered mice labelled after other definitions, before and after training.

python docs/make_finetune_picture.py    # some minutes on two CPU cores
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from superanimal.formats import load_poses
from superanimal.labels import LabelledSet, synthetic_labels
from superanimal.progress import Progress
from superanimal.training.finetuning.finetune import finetune

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "docs-finetune"
USER = {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"}
TILE, SHOWN = 280, 4
RED, GREEN, WHITE = (235, 80, 70), (70, 200, 110), (255, 255, 255)


class Talking(Progress):
    def message(self, text: str) -> None:
        print(text, flush=True)


def user_labels() -> LabelledSet:
    """Return 30 mice labelled otherwise: ears at their tips, the snout further back, the tail base later."""
    mice = synthetic_labels(CACHE / "mice", 30, seed=11)
    first = [np.flatnonzero(mice.image_index == i)[0] for i in range(30)]
    place = {name: mice.xy[first, k] for k, name in enumerate(mice.keypoints)}
    snout = 0.67 * place["nose"] + 0.33 * place["head_midpoint"]
    xy = np.stack([snout, place["left_ear_tip"], place["right_ear_tip"], place["tail1"]], 1)
    flags = np.where(np.isfinite(xy).all(-1), 2, 0)
    return LabelledSet("mice", tuple(USER), mice.images, np.arange(30), xy, flags)


def tile(image: np.ndarray, truth: np.ndarray, found: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return the animal enlarged, labels as rings and predictions as dots."""
    centre, side = np.nanmean(truth, 0), 1.7 * np.ptp(truth, 0).max()
    scale = TILE / side
    move = np.array([[scale, 0, TILE / 2 - scale * centre[0]], [0, scale, TILE / 2 - scale * centre[1]]])
    picture = cv2.warpAffine(
        image, move, (TILE, TILE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    for point, answer in zip(truth, found, strict=True):
        a, b = (tuple(np.rint(move[:, :2] @ p + move[:, 2]).astype(int).tolist()) for p in (point, answer))
        cv2.line(picture, a, b, colour, 1, cv2.LINE_AA)
        cv2.circle(picture, a, 7, (0, 0, 0), 4, cv2.LINE_AA)
        cv2.circle(picture, a, 7, WHITE, 2, cv2.LINE_AA)
        cv2.circle(picture, b, 4, colour, -1, cv2.LINE_AA)
    return picture


def answers(file: Path) -> np.ndarray:
    """Return the predicted keypoints (images, 4, 2) that answer to the labels."""
    poses = load_poses(file).sel(keypoint=list(USER.values())).isel(individual=0)
    return poses["position"].transpose("time", "keypoint", "space").values


def main() -> None:
    labels = user_labels()
    test = labels.subset(range(10, 30))
    run = CACHE / "run"
    options = {"steps": 150, "validate_every": 50}
    done = finetune(
        labels.subset(range(10)), out=run, table=USER, held_out=test, recipe=options, progress=Talking()
    )
    print(done.report["verdict"])
    truth = test.xy
    found = {when: answers(run / f"{when}.nc") for when in ("before", "after")}
    error = np.linalg.norm(found["before"] - truth, axis=-1).mean(-1)  # NaN where a point is not labelled
    chosen = np.argsort(np.abs(error - np.nanmedian(error)))[:SHOWN].tolist()  # the typical ones
    rows = [
        np.hstack([tile(test.pixels(i), truth[i], found[when][i], colour) for i in chosen])
        for when, colour in (("before", RED), ("after", GREEN))
    ]
    cv2.imwrite(
        str(ROOT / "docs" / "images" / "finetune.jpg"),
        np.vstack(rows)[..., ::-1],
        [cv2.IMWRITE_JPEG_QUALITY, 88],
    )


if __name__ == "__main__":
    main()
