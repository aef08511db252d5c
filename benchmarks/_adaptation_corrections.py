"""A real horse: what five corrected frames bring on the others, and what the video alone brings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from zero_shot_quadruped import FOLDER, MODEL, SAME_PLACE, read_labels

from superanimal.adaptation import adapt
from superanimal.adaptation.run_folder import AFTER, BEFORE
from superanimal.adaptation.smoothing import kalman_smoothed, median_filtered
from superanimal.formats import load_poses
from superanimal.inference import Analyzer
from superanimal.keypoints import load_table
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import UNDEFINED, VISIBLE, LabelledSet
from superanimal.zoo import load_model

FRAMES = 5
HEAD = ["", "mean error, % of the trunk", "median, %", "jitter, px", "mean, 9 keypoints of the paper, %"]


def truth_of(data: Path) -> tuple[Path, dict[str, str], np.ndarray, np.ndarray, float]:
    """Return the video, our name of each label, positions (T, K, 2), which frames are whole, the trunk."""
    names, truth = read_labels(data / FOLDER / "BrownHorseinShadow_gt.h5")
    mapped = {
        cell.names[0]: ours
        for ours, cell in load_table("quadruped").column("horse").items()
        if cell and cell.names[0] in names
    }
    whole = np.isfinite(truth[:, [names.index("Nose"), names.index("Ischium")]]).all((1, 2))
    trunk = truth[:, names.index("Shoulder")] - truth[:, names.index("Ischium")]
    pairs = {**mapped, **SAME_PLACE}
    position = truth[:, [names.index(name) for name in pairs]]
    return (
        data / FOLDER / "BrownHorseinShadow.mp4",
        pairs,
        position,
        whole,
        float(np.nanmean(np.linalg.norm(trunk, axis=-1))),
    )


def corrected(video: Path, ours: list[str], truth: np.ndarray, frames: np.ndarray) -> LabelledSet:
    """Return the labels of some frames as corrections in the keypoints of the model."""
    keypoints = load_model(MODEL, "cpu").keypoints
    xy = np.full((len(frames), len(keypoints), 2), np.nan, np.float32)
    xy[:, [keypoints.index(name) for name in ours]] = truth[frames]
    visibility = np.where(np.isfinite(xy).all(-1), VISIBLE, UNDEFINED).astype(np.int8)
    images = [ImageRef(str(video), frame=int(frame)) for frame in frames]
    return LabelledSet("corrections", keypoints, images, np.arange(len(frames)), xy, visibility)


def errors(poses: xr.Dataset, ours: list[str], truth: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the distances (n, K) in pixels in some frames."""
    found = poses["position"].isel(individual=0).sel(keypoint=ours)
    guess = found.transpose("time", "keypoint", "space").values[rows]
    return np.linalg.norm(guess - truth[rows], axis=-1)


def corrections(data: Path, work: Path) -> list[list[str]]:
    """Return the table: the model as it is and with five corrected frames, on all other whole frames."""
    video, pairs, truth, whole, trunk = truth_of(data)
    ours, rows = list(pairs.values()), np.flatnonzero(whole)
    given = rows[np.linspace(0, len(rows) - 1, FRAMES + 2).astype(int)[1:-1]]
    others = np.setdiff1d(rows, given)
    done = adapt(
        video, MODEL, corrections=corrected(video, ours, truth, given), out=work / "corrections", device="cpu"
    )
    print(done.verdict, flush=True)
    table, means = [], []
    for title, model in (("original", MODEL), ("with 5 corrected frames", done.model)):
        out = work / f"corrections_{title.split()[0]}"
        out.mkdir(exist_ok=True)
        poses = Analyzer(model, device="cpu", out=out, formats=()).run(video).poses.load()
        away = errors(poses, ours, truth, others)
        steps = np.abs(np.diff(poses["position"].isel(individual=0).sel(keypoint=ours).values, axis=0))
        means.append(100 * float(np.nanmean(away)) / trunk)
        table.append(
            [title, f"{means[-1]:.1f}", f"{100 * float(np.nanmedian(away)) / trunk:.1f}",
             f"{float(np.nanmean(steps)):.2f}",
             f"{100 * float(np.nanmean(away[:, : len(ours) - len(SAME_PLACE)])) / trunk:.1f}"]
        )  # fmt: skip
    table.append(["change (bar: −40 %)", f"{100 * (means[1] / means[0] - 1):+.0f} %", "", "", ""])
    return table


HORSE_HEAD = ["held-out frames", "jitter, % of the body", "mean error, % of the trunk", "median, %"]


def horse(data: Path, work: Path) -> list[list[str]]:
    """Return the table: the horse clip adapted to without labels, beside filters, on its held-out frames."""
    video, pairs, truth, whole, trunk = truth_of(data)
    done = adapt(video, MODEL, out=work / "horse", device="cpu")
    print(done.verdict, flush=True)
    before, after = (load_poses(done.folder / file) for file in (BEFORE, AFTER))
    table = []
    for title, poses in (
        ("original", before),
        ("median filter", median_filtered(before)),
        ("Kalman smoother", kalman_smoothed(before)),
        (f"adapted ({'kept' if done.kept else 'not kept'})", after),
    ):
        frames = poses["frame"].values
        away = errors(poses, list(pairs.values()), truth[frames], np.flatnonzero(whole[frames]))
        jitter = done.figures["methods"][title.split(" (")[0]]["jitter"]
        table.append(
            [title, f"{100 * jitter:.2f}", f"{100 * float(np.nanmean(away)) / trunk:.1f}",
             f"{100 * float(np.nanmedian(away)) / trunk:.1f}"]
        )  # fmt: skip
    return table
