"""How well the embedded models find keypoints on real mice they were never trained on.

    python benchmarks/zero_shot.py [--data ../shared/data] [--limit N] [--json FILE]

The whole pipeline runs from the raw frame with its own detector; no true box is used. Frames of the
labelled folders are read as an image sequence. Errors are Euclidean distances in original pixels.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _report import machine, table, write_section

from superanimal.formats import load_poses
from superanimal.inference import Analyzer

MODEL = "mini_topviewmouse"


@dataclass(frozen=True)
class Case:
    """A labelled folder; ``names`` maps its keypoints to ours, None when they are the same."""

    title: str
    folder: str
    labels: str
    names: dict[str, str] | None


CASES = (
    Case(
        "openfield (4 keypoints)",
        "dlc-openfield/labeled-data/m4s1",
        "CollectedData_Pranav.h5",
        {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"},
    ),
    Case(
        "golden mouse (27 keypoints)",
        "dlc-golden-mouse/labeled-data/golden_mouse",
        "CollectedData_shaokai.h5",
        None,
    ),
)


def natural(path: Path) -> list[int | str]:
    """Sort key that counts img9 before img10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]


def measure(case: Case, data: Path, limit: int | None) -> dict[str, object]:
    """Run one case; returns its figures."""
    folder = data / case.folder
    labels = load_poses(folder / case.labels)
    by_image = {Path(str(name)).name: k for k, name in enumerate(labels["image"].values)}
    images = sorted((p for p in folder.glob("*.png") if p.name in by_image), key=natural)[:limit]
    with tempfile.TemporaryDirectory() as scratch:
        clip = Path(scratch) / "frames"
        clip.mkdir()
        for image in images:
            (clip / image.name).symlink_to(image.resolve())
        analyzer = Analyzer(MODEL, max_individuals=1, detector_every=1, track=False, out=scratch, formats=())
        start = time.perf_counter()
        poses = analyzer.run(clip).poses
        seconds = time.perf_counter() - start
    keypoints = [str(name) for name in labels["keypoints"].values]
    ours = [case.names[name] for name in keypoints] if case.names else keypoints
    rows = [by_image[image.name] for image in images]
    truth = labels["position"].isel(time=rows, individuals=0).transpose("time", "keypoints", "space").values
    found = poses["position"].sel(keypoints=ours).isel(individuals=0)
    guess = found.transpose("time", "keypoints", "space").values
    box = poses["boxes"].isel(individuals=0).transpose("time", "box").values
    center = np.nanmean(truth, axis=1)
    inside = ((center >= box[:, :2]) & (center <= box[:, :2] + box[:, 2:])).all(-1)
    error = np.linalg.norm(guess - truth, axis=-1)
    names = list(zip(keypoints, ours, strict=True))
    body = np.linalg.norm(
        truth[:, [o for _, o in names].index("nose")] - truth[:, [o for _, o in names].index("tail_base")],
        axis=-1,
    )
    confidence = (
        poses["confidence"].sel(keypoints=ours).isel(individuals=0).transpose("time", "keypoints").values
    )
    good = error < 0.1 * np.nanmean(body)
    known = np.isfinite(error)
    return {
        "case": case.title,
        "frames": len(images),
        "found": float(inside.mean()),
        "mean_px": float(np.nanmean(error)),
        "median_px": float(np.nanmedian(error)),
        "rmse_px": float(np.sqrt(np.nanmean(error**2))),
        "body_length_px": float(np.nanmean(body)),
        "within_10pct_of_length": float(good[known].mean()),
        "missing": int((np.isfinite(truth[..., 0]) & ~known).sum()),
        "confidence_when_good": float(np.nanmean(confidence[known & good])),
        "confidence_when_bad": float(np.nanmean(confidence[known & ~good]))
        if (known & ~good).any()
        else None,
        "frames_per_second": len(images) / seconds,
        "mean_px_by_keypoint": {
            k: round(float(np.nanmean(error[:, j])), 2) for j, (k, _) in enumerate(names)
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).parents[2]
    parser.add_argument("--data", type=Path, default=root / "shared" / "data")
    parser.add_argument("--limit", type=int, help="only the first N frames of each folder")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--no-report", action="store_true", help="do not touch benchmarks/RESULTS.md")
    options = parser.parse_args()
    if not options.data.exists():
        sys.exit(f"{options.data}: the real data are not here, nothing to measure")
    results = [measure(case, options.data, options.limit) for case in CASES]
    header = ["real set", "frames", "found", "mean px", "median px", "RMSE px", "within 10 % of length"]
    rows = [
        [
            str(r["case"]),
            str(r["frames"]),
            f"{r['found']:.1%}",
            f"{r['mean_px']:.2f}",
            f"{r['median_px']:.2f}",
            f"{r['rmse_px']:.2f}",
            f"{r['within_10pct_of_length']:.1%}",
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
        text = "Zero-shot, whole pipeline from the raw frame with its own detector, enhanced mode.\n\n"
        write_section("Embedded models on real mice", text + table(header, rows) + "\n\n" + detail)


if __name__ == "__main__":
    main()
