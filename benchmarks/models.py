"""What the embedded models find on every set at hand: real ones that were handed over, and rendered kinds.

    python benchmarks/models.py [--only NAME ...] [--data ../shared/data] [--scenes .cache/scenes]
                                [--weights FOLDER] [--frames N] [--json FILE] [--no-report]

Everything runs with the defaults of ``superanimal analyze``. An animal is found when its box and the extent
of its labels without the tail share an IoU of at least 0.3; for ``tracktor-mouse``, whose truth is a place
only, when the median of the body's points lies within 1.2 times the size given. Errors are those of the
labelled keypoints of found animals, in percent of the distance from nose to tail base. A ghost is an animal
that is given where there is none (IoU below 0.1 with every label). Labels of rendered animals are what can
be seen of them. ``--weights`` takes the weight files of a folder in place of those that ship, to compare.
"""

from __future__ import annotations

import contextlib
import csv
import json
import tempfile
import unittest.mock
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import xarray as xr
from _report import machine, parser_with_data, require_data, table, write_section
from scipy.optimize import linear_sum_assignment

from superanimal.files import sha256_of
from superanimal.inference import Analyzer
from superanimal.inference.labelled_images import predict_images
from superanimal.keypoints import load_table
from superanimal.labels import LabelledSet, read_labels
from superanimal.labels.images import ImageRef
from superanimal.training.embedded.scene_samples import ENOUGH
from superanimal.training.embedded.scenes import KINDS, open_shards, render_shard
from superanimal.zoo import ModelEntry

MOUSE, QUADRUPED = "mini_topviewmouse", "mini_quadruped"
FOUND, GHOST = 0.3, 0.1
DRAWN = 0.4
MABE = {
    "nose": "nose",
    "left ear": "left_ear",
    "right ear": "right_ear",
    "neck": "neck",
    "center back": "mouse_center",
    "tail base": "tail_base",
}
BODY = ("neck", "mid_back", "mouse_center", "mid_backend", "mid_backend2", "mid_backend3")


@dataclass
class Tally:
    """What was found of a set of animals.

    ``errors`` are in percent of the body length, with the confidence of each point in ``sure``.
    """

    animals: int = 0
    found: int = 0
    ghosts: int = 0
    frames: int = 0
    errors: list[np.ndarray] = field(default_factory=list)
    sure: list[np.ndarray] = field(default_factory=list)
    flips: list[bool] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return the figures of the report."""
        errors = np.concatenate(self.errors) if self.errors else np.full(1, np.nan)
        sure = np.concatenate(self.sure) if self.sure else np.full(1, np.nan)
        known = np.isfinite(errors)
        drawn, near = known & (sure >= DRAWN), known & (errors < 10)
        return {
            "frames": self.frames,
            "animals": self.animals,
            "found": self.found / self.animals if self.animals else None,
            "ghosts": self.ghosts,
            "median_pct": float(np.median(errors[known])) if known.any() else None,
            "mean_pct": float(np.mean(errors[known])) if known.any() else None,
            "drawn_within_10pct": float(near[drawn].mean()) if drawn.any() else None,
            "within_10pct_drawn": float(drawn[near].mean()) if near.any() else None,
            "head_tail_flips": float(np.mean(self.flips)) if self.flips else None,
        }


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap (n, m) of boxes (n, 4) and (m, 4), x0, y0, x1, y1; NaN counts as none."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), -1)
    area = [np.prod(np.maximum(box[:, 2:] - box[:, :2], 0), -1) for box in (a, b)]
    return np.nan_to_num(shared / (area[0][:, None] + area[1][None] - shared))


def count(
    tally: Tally,
    truth: np.ndarray,
    boxes: np.ndarray,
    points: np.ndarray,
    sure: np.ndarray,
    given: np.ndarray,
    lengths: np.ndarray,
    ends: tuple[int, int] | None = None,
) -> None:
    """Count one frame.

    Parameters
    ----------
    tally
        Counted into.
    truth, lengths
        Labels (m, K, 2) and body lengths (m,).
    boxes
        (m, 4) x0, y0, x1, y1 of the labels without the tail.
    points, sure, given
        Of the n animals found: (n, K, 2) the same keypoints, (n, K), and boxes (n, 4) x0, y0, x1, y1.
    ends
        Which keypoints are nose and tail base.
    """
    tally.frames += 1
    tally.animals += len(truth)
    overlap = iou(boxes, given)
    rows, columns = linear_sum_assignment(-overlap)
    tally.ghosts += int((overlap.max(0, initial=0) < GHOST).sum())
    for m, n in zip(rows, columns, strict=True):
        if overlap[m, n] < FOUND:
            continue
        tally.found += 1
        away = np.linalg.norm(points[n] - truth[m], axis=-1)
        tally.errors.append(100 * away / lengths[m])
        tally.sure.append(sure[n])
        if ends is not None and np.isfinite(truth[m][list(ends)]).all():
            head, tail = (truth[m][k] for k in ends)
            along = head - tail
            tally.flips.append(bool((points[n][ends[0]] - points[n][ends[1]]) @ along < 0))


def arrays(poses: xr.Dataset, names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (T, N, K, 2), confidences (T, N, K) and boxes (T, N, 4: x0, y0, x1, y1) of some keypoints."""
    at = [list(poses["position"].coords[poses["position"].dims[2]].values).index(name) for name in names]
    points = poses["position"].values[:, :, at].transpose(0, 3, 2, 1)
    sure = poses["confidence"].values[:, at].transpose(0, 2, 1)
    boxes = poses["boxes"].values.transpose(0, 2, 1).copy()
    boxes[..., 2:] += boxes[..., :2]
    return points, sure, boxes


def there(boxes: np.ndarray) -> np.ndarray:
    """Which boxes (n, 4) there are."""
    return np.isfinite(boxes).all(-1)


def extent(points: np.ndarray) -> np.ndarray:
    """Boxes (m, 4) of points (m, K, 2)."""
    return np.concatenate([np.nanmin(points, 1), np.nanmax(points, 1)], -1)


def labelled(model: str, labels: LabelledSet, names: dict[str, str], ends: tuple[str, str]) -> Tally:
    """Measure single pictures; ``names`` maps our keypoints to the labels', ``ends`` are ours."""
    poses = predict_images(labels, model, max_individuals=1)
    ours = [name for name in names if names[name] in labels.keypoints]
    at = [labels.keypoints.index(names[name]) for name in ours]
    points, sure, boxes = arrays(poses, ours)
    tails = [name.startswith("tail") and name != "tail_base" for name in ours]
    tally = Tally()
    for i in range(len(labels)):
        mine = labels.animals_of(i)
        truth = labels.xy[mine][:, at]
        body = np.where(np.array(tails)[None, :, None], np.nan, truth)
        length = span(truth, ours, ends)
        n = there(boxes[i])
        nose = (ours.index(ends[0]), ours.index(ends[1])) if set(ends) <= set(ours) else None
        count(tally, truth, extent(body), points[i][n], sure[i][n], boxes[i][n], length, nose)
    return tally


def span(truth: np.ndarray, ours: list[str], ends: tuple[str, str]) -> np.ndarray:
    """Distances (m,) of both ends; the largest side of the labels where one is missing."""
    wide = (extent(truth)[:, 2:] - extent(truth)[:, :2]).max(-1)
    if not set(ends) <= set(ours):
        return wide
    far = np.linalg.norm(truth[:, ours.index(ends[0])] - truth[:, ours.index(ends[1])], axis=-1)
    return np.where(np.isfinite(far), far, wide)


def openfield(data: Path) -> dict[str, Any]:
    """96 frames with four labels."""
    names = {"nose": "snout", "left_ear": "leftear", "right_ear": "rightear", "tail_base": "tailbase"}
    labels = read_labels(data / "dlc-openfield")
    return labelled(MOUSE, labels, names, ("nose", "tail_base")).figures()


def golden(data: Path) -> dict[str, Any]:
    """20 frames with 27 labels."""
    labels = read_labels(data / "dlc-golden-mouse")
    return labelled(MOUSE, labels, {name: name for name in labels.keypoints}, ("nose", "tail_base")).figures()


def analyse(model: str, video: Path, **options: Any) -> xr.Dataset:
    """Run the analyzer with its defaults."""
    with tempfile.TemporaryDirectory() as scratch:
        return Analyzer(model, out=scratch, formats=(), **options).run(video).poses.load()


def tracktor(data: Path, frames: int) -> dict[str, Any]:
    """A small dark mouse on a light round arena: where it is in every 40th frame."""
    folder = data / "tracktor-mouse"
    with (folder / "position.csv").open() as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    rows = [row for row in rows if row["frame"] < frames]
    frames = int(rows[-1]["frame"]) + 1
    poses = analyse(MOUSE, folder / "mouse_video.mp4", frames=f"0:{frames}", max_individuals=1)
    points, sure, _ = arrays(poses, list(BODY))
    middle = np.nanmedian(points[:, 0], 1)
    at = [int(row["frame"]) for row in rows]
    away = np.linalg.norm(middle[at] - [[row["x_px"], row["y_px"]] for row in rows], axis=-1)
    found = away <= 1.2 * np.array([row["size_px"] for row in rows])
    lost = np.isnan(away)
    return {
        "frames": len(rows),
        "animals": len(rows),
        "found": float(found.mean()),
        "ghosts": int((~found & ~lost).sum()),
        "confidence_found": float(sure[at, 0].mean(-1)[found].mean()),
        "confidence_wrong": float(sure[at, 0].mean(-1)[~found & ~lost].mean())
        if (~found & ~lost).any()
        else None,
    }


def mabe(data: Path, frames: int) -> dict[str, Any]:
    """Three mice, 12 labels each; a point at (0, 0) is missing."""
    import pandas as pd

    video = next((data / "mabe-three-mice").glob("*.mp4"))
    frame = pd.read_hdf(video.with_suffix(".h5"))
    mice = list(dict.fromkeys(frame.columns.get_level_values("individuals")))
    names = list(dict.fromkeys(frame.columns.get_level_values("bodyparts")))
    truth = frame.to_numpy(float).reshape(len(frame), len(mice), len(names), 2).copy()
    truth[(truth == 0).all(-1)] = np.nan
    frames = min(frames, len(truth))
    poses = analyse(MOUSE, video, frames=f"0:{frames}", max_individuals=len(mice))
    ours = [MABE[name] for name in names if name in MABE]
    at = [names.index(name) for name in names if name in MABE]
    body = [k for k, name in enumerate(names) if not name.startswith("tail m") and name != "tail tip"]
    points, sure, boxes = arrays(poses, ours)
    both, close = Tally(), Tally()
    for t in range(frames):
        mine = np.isfinite(truth[t][:, at]).all((1, 2))
        label = truth[t][mine]
        length = span(label[:, at], ours, ("nose", "tail_base"))
        n = there(boxes[t])
        center = np.nanmean(label[:, body], 1)
        apart = np.linalg.norm(center[:, None] - center[None], axis=-1) + np.diag(
            np.full(len(center), np.inf)
        )
        ends = ours.index("nose"), ours.index("tail_base")
        near = apart.min(1, initial=np.inf) < length
        seen = points[t][n], sure[t][n], boxes[t][n]
        count(both, label[:, at], extent(label[:, body]), *seen, length, ends)
        count(close, label[near][:, at], extent(label[near][:, body]), *seen, length[near], ends)
    touching = {f"close_{name}": value for name, value in close.figures().items() if name != "ghosts"}
    return both.figures() | touching


def horse(data: Path) -> dict[str, Any]:
    """The horse of zero_shot_quadruped.py, in percent of the trunk."""
    import zero_shot_quadruped

    figures = zero_shot_quadruped.measure(data)
    return {key: value for key, value in figures.items() if not isinstance(value, dict)} | {
        "animals": figures["whole"]
    }


def coco(data: Path) -> dict[str, Any]:
    """Two or three pictures each of four sets."""
    tables = {"ap10k": "ap10k", "animalpose": "animalpose-mmpose", "horse10": "horse", "zebra": "zebra"}
    tally = Tally()
    for folder, column in tables.items():
        labels = read_labels(data / "coco-animals" / folder)
        table_ = load_table("quadruped_more" if column in ("animalpose-mmpose", "zebra") else "quadruped")
        names = {ours: cell.names[0] for ours, cell in table_.column(column).items() if cell}
        one = labelled(QUADRUPED, labels, names, ("nose", "tail_base"))
        for key in ("animals", "found", "ghosts", "frames"):
            setattr(tally, key, getattr(tally, key) + getattr(one, key))
        tally.errors += one.errors
        tally.sure += one.sure
    return tally.figures()


def rendered(kind: str, scenes: Path) -> dict[str, Any]:
    """Scenes of one kind, each by itself."""
    render_shard(scenes, kind, 0)
    shard = open_shards(scenes, kind)[0]
    subject = KINDS[kind].subject
    tally, animals = Tally(), max(1, len(KINDS[kind].herd) - 1)
    with tempfile.TemporaryDirectory() as folder:
        images = []
        for k in range(len(shard)):
            path = Path(folder) / f"{k:04d}.png"
            cv2.imwrite(str(path), shard.images[k][..., ::-1])
            images.append(ImageRef(str(path), width=KINDS[kind].side, height=KINDS[kind].side))
        empty = np.zeros((0, len(subject.keypoints)))
        labels = LabelledSet(
            "rendered",
            subject.keypoints,
            images,
            np.zeros(0, np.int64),
            np.zeros((*empty.shape, 2), np.float32),
            empty.astype(np.int8),
        )
        poses = predict_images(labels, subject.model, max_individuals=animals)
    points, sure, given = arrays(poses, list(subject.keypoints))
    ends = tuple(subject.keypoints.index(name) for name in subject.ends)
    for k in range(len(shard)):
        truth, seen = shard.keypoints[k].astype(float), shard.visible[k]
        mine = np.isfinite(truth).all((1, 2))
        whole = seen.sum(-1) >= ENOUGH
        n = there(given[k])
        boxes = subject.box(truth)
        # What is too faint or too hidden to count is neither missed nor a ghost.
        excused = iou(boxes[mine & ~whole], given[k]).max(0, initial=0) >= GHOST
        n &= ~excused | (iou(boxes[mine & whole], given[k]).max(0, initial=0) >= FOUND)
        label = np.where(seen[..., None], truth, np.nan)[mine & whole]
        body = [not name.startswith("tail") or name == "tail_base" for name in subject.keypoints]
        shown = extent(label[:, body]) if len(label) else boxes[:0]
        shown = np.where(np.isfinite(shown), shown, boxes[mine & whole])  # nothing but the tail is to be seen
        lengths = np.linalg.norm(truth[:, ends[0]] - truth[:, ends[1]], axis=-1)[mine & whole]
        lengths = np.maximum(lengths, 1e-6)
        count(tally, label, shown, points[k][n], sure[k][n], given[k][n], lengths, ends)
    return tally.figures()


@contextlib.contextmanager
def weights_of(folder: Path | None) -> Iterator[None]:
    """Take the weight files of a folder in place of those that ship."""
    if folder is None:
        yield
        return
    from superanimal.zoo import finding
    from superanimal.zoo.weights import Weights

    ships = finding.locate

    def locate(entry: ModelEntry) -> Weights:
        own = folder / entry.filename
        return Weights(own, sha256_of(own)) if own.is_file() else ships(entry)

    with unittest.mock.patch.object(finding, "locate", locate):
        yield


REAL: dict[str, Callable[..., dict[str, Any]]] = {
    "openfield": openfield,
    "golden": golden,
    "tracktor": tracktor,
    "mabe": mabe,
    "horse": horse,
    "coco": coco,
}


def main() -> None:
    """Measure and report."""
    parser = parser_with_data(__doc__)
    checks = [name for name in KINDS if name.startswith("check-")]
    parser.add_argument("--scenes", type=Path, default=Path(".cache") / "scenes")
    parser.add_argument("--only", nargs="+", choices=[*REAL, *checks], default=[*REAL, *checks])
    parser.add_argument("--frames", type=int, default=10_000, help="so many of tracktor and mabe")
    parser.add_argument("--weights", type=Path, help="folder of weight files to try")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    if set(options.only) & set(REAL):
        require_data(options.data)

    def measure(name: str) -> dict[str, Any]:
        if name not in REAL:
            return rendered(name, options.scenes)
        limits = {"frames": options.frames} if name in ("tracktor", "mabe") else {}
        return REAL[name](options.data, **limits)

    results: dict[str, dict[str, Any]] = {}
    with weights_of(options.weights):
        for name in options.only:
            results[name] = measure(name)
            print(name, json.dumps(results[name]), flush=True)
            if options.json:
                options.json.write_text(
                    json.dumps({"machine": machine(), "results": results}, indent=1) + "\n"
                )
    columns = (
        "frames",
        "animals",
        "found",
        "ghosts",
        "median_pct",
        "mean_pct",
        "drawn_within_10pct",
        "within_10pct_drawn",
        "head_tail_flips",
    )
    rows = [
        [name, *("" if r.get(c) is None else f"{r[c]:.3g}" for c in columns)] for name, r in results.items()
    ]
    text = table(["set", *(c.replace("_", " ") for c in columns)], rows)
    print(text)
    if not options.no_report:
        write_section("Embedded models: what they find", __doc__.split("\n\n", 2)[2] + "\n\n" + text)


if __name__ == "__main__":
    main()
