"""How well the embedded models find keypoints on real mice they were never trained on.

    python benchmarks/zero_shot.py [--data ../shared/data] [--json FILE] [--no-report]

The whole pipeline runs from the raw image with its own detector; no true box is used. Errors are Euclidean
distances in original pixels, and in percent of the mean distance from nose to tail base. AP is COCO's, as
``superanimal evaluate`` gives it. On openfield, what offsets from 10 labelled images gain, without
training, is measured on the other images.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from _report import machine, parser_with_data, require_data, table, write_section

from superanimal.errors import OffsetsRefused
from superanimal.evaluation import evaluate
from superanimal.inference.labelled_images import predict_images
from superanimal.keypoints import measure_offsets
from superanimal.labels import LabelledSet, read_labels

MODEL = "mini_topviewmouse"
OFFSET_IMAGES, DRAWS = 10, 5


@dataclass(frozen=True)
class Case:
    """A labelled project; ``names`` maps its keypoints to ours where they differ."""

    title: str
    folder: str
    names: dict[str, str]
    offsets: bool = False


CASES = (
    Case(
        "openfield (4 keypoints)",
        "dlc-openfield",
        {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"},
        offsets=True,
    ),
    Case("golden mouse (27 keypoints)", "dlc-golden-mouse", {}),
)


def errors(labels: LabelledSet, poses: xr.Dataset, ours: list[str], images: np.ndarray) -> np.ndarray:
    """Distances (images, K) px of images that show one animal each."""
    position = poses["position"].isel(individual=0, time=images).sel(keypoint=ours)
    return np.linalg.norm(position.transpose("time", "keypoint", "space").values - labels.xy[images], axis=-1)


def moved_error(labels: LabelledSet, poses: xr.Dataset, ours: list[str]) -> list[float]:
    """Mean error (px) of the other images moved by offsets from 10 random ones; one figure a draw.

    Offsets that are refused, because their gain may be chance, move nothing.
    """
    means = []
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(len(labels))
        few, rest = np.sort(order[:OFFSET_IMAGES]), np.sort(order[OFFSET_IMAGES:])
        table = dict(zip(labels.keypoints, ours, strict=True))
        try:
            moved = measure_offsets(labels.subset(few), poses.isel(time=few), table).apply(poses)
        except OffsetsRefused:
            moved = poses
        means.append(round(float(np.nanmean(errors(labels, moved, ours, rest))), 2))
    return means


def measure(case: Case, data: Path) -> dict[str, object]:
    """Run one case; returns its figures."""
    labels = read_labels(data / case.folder)
    start = time.perf_counter()
    poses = predict_images(labels, MODEL, max_individuals=1)
    seconds = time.perf_counter() - start
    result = evaluate(poses, labels, keypoint_map=case.names)
    ours = [case.names.get(name, name) for name in labels.keypoints]
    one = poses.isel(individual=0).isel(time=labels.image_index)
    sure = one["confidence"].sel(keypoint=ours).transpose("time", "keypoint").values
    box = one["boxes"].transpose("time", "box").values
    truth = labels.xy
    center = np.nanmean(truth, axis=1)
    inside = ((center >= box[:, :2]) & (center <= box[:, :2] + box[:, 2:])).all(-1)
    error = errors(labels, poses, ours, labels.image_index)
    length = float(
        np.nanmean(np.linalg.norm(truth[:, ours.index("nose")] - truth[:, ours.index("tail_base")], axis=-1))
    )
    known = np.isfinite(error)
    good = known & (error < 0.1 * length)
    bad = known & ~good
    mean, median = float(np.nanmean(error)), float(np.nanmedian(error))
    return {
        "case": case.title,
        "frames": len(labels),
        "found": float(inside.mean()),
        "mean_px": mean,
        "median_px": median,
        "rmse_px": float(np.sqrt(np.nanmean(error**2))),
        "body_length_px": length,
        "mean_pct": 100 * mean / length,
        "median_pct": 100 * median / length,
        "within_10pct_of_length": float(good[known].mean()),
        "missing": int((np.isfinite(truth[..., 0]) & ~known).sum()),
        "AP": result["AP"],
        "confidence_when_good": float(sure[good].mean()),
        "confidence_when_bad": float(sure[bad].mean()) if bad.any() else None,
        "calibration_error": result["calibration_error"],
        "moved_mean_px": moved_error(labels, poses, ours) if case.offsets else None,
        "images_per_second": len(labels) / seconds,
        "mean_px_by_keypoint": {
            name: round(float(value), 2)
            for name, value in zip(labels.keypoints, np.nanmean(error, axis=0), strict=True)
        },
    }


def main() -> None:
    parser = parser_with_data(__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    require_data(options.data)
    results = [measure(case, options.data) for case in CASES]
    header = ["real set", "frames", "found", "mean px", "median px", "RMSE px"]
    header += ["mean % of length", "median %", "within 10 %", "AP", "calibration error"]
    rows = [
        [
            str(r["case"]),
            str(r["frames"]),
            f"{r['found']:.1%}",
            f"{r['mean_px']:.2f}",
            f"{r['median_px']:.2f}",
            f"{r['rmse_px']:.2f}",
            f"{r['mean_pct']:.2f}",
            f"{r['median_pct']:.2f}",
            f"{r['within_10pct_of_length']:.1%}",
            f"{r['AP']:.3f}",
            f"{r['calibration_error']:.3f}",
        ]
        for r in results
    ]
    print(machine())
    print(json.dumps(results, indent=1))
    print(table(header, rows))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1) + "\n")
    if not options.no_report:
        detail = "\n".join(f"* {r['case']}, mean px by keypoint: {r['mean_px_by_keypoint']}" for r in results)
        detail += "\n" + "\n".join(
            f"* {r['case']}, moved by offsets from {OFFSET_IMAGES} images, mean px of the others: "
            f"{r['moved_mean_px']}"
            for r in results
            if r["moved_mean_px"]
        )
        text = "Zero-shot, whole pipeline from the raw image with its own detector, enhanced mode.\n\n"
        write_section("Embedded models on real mice", text + table(header, rows) + "\n\n" + detail)


if __name__ == "__main__":
    main()
