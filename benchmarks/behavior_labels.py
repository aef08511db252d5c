"""Labels and motifs: raters before and after alignment, planted offsets and motifs, BORIS events.

python benchmarks/behavior_labels.py [--data ../shared/data] [--no-report]
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _report import parser_with_data, require_data, table, write_section

import superanimal
from superanimal.behavior import agree, align, annotations_by_video, frames_of, read_annotations, segment
from superanimal.behavior.bouts import shifted

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from motifs import planted_motifs

LABELS = ["Supported", "Unsupported", "Grooming"]


def raters(data: Path) -> str:
    videos = annotations_by_video(data / "oft-raters" / "labels.csv")
    rng, moved = np.random.default_rng(0), []
    for video, own in videos.items():
        for number, (_, bouts) in enumerate(own.groupby("rater")):
            offset = 0.0 if number == 0 else float(rng.uniform(-5, 5))
            moved.append(shifted(bouts, offset).assign(video=video))
    rows = []
    for name, source in (
        ("as they are", data / "oft-raters" / "labels.csv"),
        ("two of three moved", pd.concat(moved)),
    ):
        result = agree(source, labels=LABELS)
        sizes = result.offsets.loc[result.offsets["certain"], "shift_s"].abs()
        for _, row in result.summary.iterrows():
            scores = [f"{row[s]:.2f} → {row[f'{s}_aligned']:.2f}" for s in ("kappa", "frame_f1", "bout_f1")]
            rows.append([name, row["label"], *scores, f"{sizes.median():.2f} s", f"{sizes.max():.2f} s"])
    head = ["Labels", "Behaviour", "Kappa", "Frame F1", "Bout F1", "Median offset", "Largest"]
    words = (
        "`oft-raters`, 20 videos, 60 pairs of raters, each score as labelled → aligned. As they are, the "
        "raters differ by less than a tenth of a second, so there is nothing to align. Moved: two raters of "
        "each video by up to ±5 s at random."
    )
    return f"{table(head, rows)}\n\n{words}"


def offsets(data: Path) -> str:
    rows = []
    for name in ("adult_6112", "adult_6115", "young_8294", "young_8296", "young_8301"):
        folder = data / "subtle-mouse3d-behaviour"
        points = np.loadtxt(folder / "coords" / f"{name}.csv", delimiter=",").reshape(-1, 9, 3)
        names = ["nose", "neck", "anus", "chest", "rfoot", "lfoot", "rhand", "lhand", "tip"]
        poses = superanimal.poses.make_poses(
            points.transpose(0, 2, 1)[..., None], keypoints=names, fps=20, space_unit="cm"
        )
        labels = read_annotations(folder / "annots" / f"{name}.csv")
        before, moved = align(labels, poses), align(shifted(labels, 2.0), poses)
        rows.append(
            [name, f"{before.shift_s:+.2f} ± {before.error_s:.2f} s",
             f"{before.fit_before:.2f} → {before.fit:.2f}",
             f"{20 * abs(moved.shift_s + 2.0 - before.shift_s):.1f} frames"]
        )  # fmt: skip
    head = ["Recording", "Shift of the labels", "Motion explained", "Error after moving by 2 s"]
    return (
        table(head, rows) + "\n\n`subtle-mouse3d-behaviour`: the labels come 0.3 to 0.6 s after the motion."
    )


def motifs() -> str:
    from sklearn.metrics import adjusted_rand_score

    rows = []
    for seed in range(3):
        poses, truth = planted_motifs(seed)
        for name, options in (("5 given", {"motifs": 5}), ("number chosen", {})):
            start = time.perf_counter()
            found = segment(poses, **options)  # type: ignore[arg-type]
            rand = adjusted_rand_score(truth, found.frames["motif"])
            rows.append(
                [
                    str(seed),
                    name,
                    str(len(found.summary)),
                    f"{rand:.3f}",
                    f"{time.perf_counter() - start:.0f} s",
                ]
            )
    return (
        table(["Seed", "Motifs", "Found", "Adjusted Rand", "Time"], rows)
        + "\n\nFive planted motifs, 6,000 frames."
    )


def events(data: Path) -> str:
    bouts = read_annotations(data / "ethome-pair" / "events_boris.csv")
    held = frames_of(bouts, np.arange(5700) / 30)[:, 0]
    first = np.flatnonzero(np.diff(held.astype(int), prepend=0) == 1)
    last = np.flatnonzero(np.diff(held.astype(int), append=0) == -1)
    starts, ends = 30 * bouts["start_s"].to_numpy(), 30 * bouts["end_s"].to_numpy()
    apart = max(np.abs(first - starts).max(), np.abs(last + 1 - ends).max())
    return (
        f"`ethome-pair`: {len(bouts)} bouts of BORIS on {held.sum()} frames; a border is at most "
        f"{apart:.2f} frames off."
    )


def main() -> None:
    parser = parser_with_data(__doc__)
    args = parser.parse_args()
    require_data(args.data)
    warnings.simplefilter("ignore")
    parts = [raters(args.data), offsets(args.data), events(args.data), motifs()]
    text = "\n\n".join(parts)
    print(text)
    if not args.no_report:
        write_section("Behaviour: labels and motifs", text)


if __name__ == "__main__":
    main()
