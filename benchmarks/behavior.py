"""How well do classifiers of behaviour do on animals and sessions that they have not seen?

    python benchmarks/behavior.py [--part subtle] [--data ../shared/data] [--write]

Presets and settings are the defaults of ``superanimal.behavior``. No session was singled out, but the lowest
confidence, the longest gap and the windows of the default features were settled after looking at
cross-validated figures of these very sets, so expect a little less on others.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from _report import table, write_section

from superanimal import behavior
from superanimal.behavior.classifiers.smoothing import f1_of_classes
from superanimal.poses import make_poses

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

MARKS = ["nose", "neck", "anus", "chest", "rfoot", "lfoot", "rhand", "lhand", "tip"]
MOUSE = ["walking", "rearing", "standing", "grooming"]
SOCIAL = ["social", "nonsocial", "aggression"]
FIGHTS = ["base", "lateralthreat", "keepdown", "clinch", "uprightposture"]
HEAD = ["data", "classifier", "macro F1", "bar", "F1 of each class", "seconds to train"]


def scored(truth: list[np.ndarray], found: list[np.ndarray], classes: list[str]) -> tuple[float, str]:
    """Return macro F1 over all frames that have one of the classes, and F1 of each class."""
    code = {name: k for k, name in enumerate(classes)}
    t, f = np.concatenate(truth), np.concatenate(found)
    kept = np.isin(t, classes)
    f1 = f1_of_classes(
        np.array([code[each] for each in t[kept]]), np.array([code[each] for each in f[kept]]), len(classes)
    )
    return float(np.nanmean(f1)), ", ".join(
        f"{name} {value:.2f}" for name, value in zip(classes, f1, strict=True)
    )


def left_out(
    poses: list[xr.Dataset],
    labels: list[np.ndarray],
    classes: list[str],
    folds: list[int],
    fps: float,
    **how: str,
) -> tuple[float, str, float]:
    """Return macro F1, F1 of each class and mean seconds to train, leaving each fold out in turn."""
    truth, found, took = [], [], []
    for fold in sorted(set(folds)):
        train = [k for k, each in enumerate(folds) if each != fold]
        start = time.monotonic()
        model = behavior.train(
            [poses[k] for k in train], [labels[k] for k in train], classes=classes, fps=fps, **how
        )
        took.append(time.monotonic() - start)
        for k, each in enumerate(folds):
            if each == fold:
                found.append(behavior.predict(poses[k], model)["label"].to_numpy())
                truth.append(labels[k])
    return *scored(truth, found, classes), float(np.mean(took))


def mice(folder: Path, space: int) -> tuple[list[xr.Dataset], list[np.ndarray]]:
    poses, labels = [], []
    for file in sorted((folder / "coords").glob("*.csv")):
        points = pd.read_csv(file, header=None).to_numpy().reshape(-1, 9, 3).transpose(0, 2, 1)
        own = pd.read_csv(folder / "annots" / file.name).iloc[:, 1].astype(str).to_numpy()
        n = min(len(points), len(own))
        poses.append(make_poses(points[:n, :space, :, None], keypoints=MARKS, fps=20, space_unit="cm"))
        labels.append(own[:n])
    return poses, labels


def subtle(data: Path, classifiers: list[str]) -> str:
    rows = []
    for space, bar in ((3, "≥ 0.80"), (2, "≥ 0.72")):
        poses, labels = mice(data / "subtle-mouse3d-behaviour", space)
        for name in classifiers:
            how = {"classifier": name, "preset": "paper" if name == "mlp" else "default"}
            f1, each, took = left_out(poses, labels, MOUSE, list(range(len(poses))), 20, **how)
            rows.append([f"{'x, y, z' if space == 3 else 'x, y'}", name, f"{f1:.3f}",
                         bar if name == "boosting" else "", each, f"{took:.0f}"])  # fmt: skip
            print(rows[-1], flush=True)
    return "Five mice, each left out in turn; frames labelled `na` are left out.\n\n" + table(HEAD, rows)


def rats(data: Path, classifiers: list[str]) -> str:
    from superanimal.behavior import frames_of, read_annotations
    from superanimal.formats import load_poses

    folder, rows = data / "rat-social", []
    files = sorted(folder.glob("*_poses.csv"))
    poses = [load_poses(file) for file in files]
    for stream, classes, bar in (("S1", SOCIAL, "≥ 0.76"), ("S2", FIGHTS, "≥ 0.44")):
        labels = []
        for file, each in zip(files, poses, strict=True):
            bouts = read_annotations(
                file.with_name(file.name.replace("_poses.csv", "_annotations.txt")), fps=30
            )
            bouts = bouts[bouts["stream"] == stream]
            names = sorted(bouts["label"].unique())
            holds = frames_of(bouts, each["frame"].values / 30, names)
            labels.append(np.where(holds.any(axis=1), np.array(names, object)[holds.argmax(axis=1)], ""))
        for name in classifiers:
            f1, each_class, took = left_out(
                poses, labels, classes, [k % 4 for k in range(len(poses))], 30, classifier=name
            )
            rows.append(
                [stream, name, f"{f1:.3f}", bar if name == "boosting" else "", each_class, f"{took:.0f}"]
            )
            print(rows[-1], flush=True)
    return (
        "Eight sessions of two rats, two left out in turn. The bars are for sessions not at hand.\n\n"
        + table(HEAD, rows)
    )


def planted() -> str:
    from mice_that_act import CLASSES, acting

    recordings = [acting(seed, 1800) for seed in range(6)]
    f1, each, took = left_out(
        [p for p, _ in recordings], [y for _, y in recordings], CLASSES, [k % 3 for k in range(6)], 20
    )
    return "Generated animals that walk, stand and shake; two of six left out in turn.\n\n" + table(
        HEAD, [["planted", "boosting", f"{f1:.3f}", "≥ 0.95", each, f"{took:.0f}"]]
    )


def transfer(data: Path) -> str:
    """Train on nine points and predict on five, and train on the five themselves."""
    poses, labels = mice(data / "subtle-mouse3d-behaviour", 3)
    five = ["nose", "neck", "anus", "chest", "tip"]
    fewer = [each.sel(keypoint=five) for each in poses]
    truth: list[np.ndarray] = []
    found: dict[str, list[np.ndarray]] = {"nine": [], "five": []}
    for k in range(len(poses)):
        train = [j for j in range(len(poses)) if j != k]
        model = behavior.train([poses[j] for j in train], [labels[j] for j in train], classes=MOUSE)
        found["nine"].append(behavior.predict(poses[k], model)["label"].to_numpy())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the model is fitted again, which is what is measured
            found["five"].append(behavior.predict(fewer[k], model)["label"].to_numpy())
        truth.append(labels[k])
    rows = [[name, f"{scored(truth, own, MOUSE)[0]:.3f}"] for name, own in found.items()]
    return "Trained on nine points of SUBTLE, x, y, z (cost at most 0.05).\n\n" + table(
        ["points of the new recording", "macro F1"], rows
    )


def speed() -> str:
    """Stream the default features of a long recording to disk."""
    frames, points = 1_000_000, 27
    from superanimal.poses import load_space

    random = np.random.default_rng(0)
    position = np.cumsum(random.normal(0, 1, (frames, 2, 1, 1)).astype(np.float32), axis=0)
    position = position + random.normal(0, 20, (1, 2, points, 1)).astype(np.float32)
    position += random.normal(0, 0.5, position.shape).astype(np.float32)
    poses = make_poses(position, keypoints=load_space("topviewmouse").keypoints, fps=30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    rows = []
    with tempfile.TemporaryDirectory() as out:
        for ending in ("zarr", "parquet"):
            start, busy = time.monotonic(), time.process_time()
            behavior.write_features(poses, Path(out) / f"features.{ending}")
            took, cpu = time.monotonic() - start, time.process_time() - busy
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 - before
            rows.append([ending, f"{took:.0f}", f"{cpu:.0f}", f"{peak:.2f}"])
    return "1,000,000 frames of 27 keypoints, default features.\n\n" + table(
        ["file", "seconds (≤ 30)", "seconds of one core", "peak above the poses, GB (≤ 1)"], rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "../shared/data")
    parser.add_argument("--part", choices=("subtle", "rats", "planted", "transfer", "speed"))
    parser.add_argument("--classifiers", default="boosting,mlp,logistic,majority")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    names = arguments.classifiers.split(",")
    parts = {
        "planted": ("Behaviour: planted", planted),
        "speed": ("Behaviour: features of a long recording", speed),
        "subtle": ("Behaviour: one mouse", lambda: subtle(arguments.data, names)),
        "rats": ("Behaviour: two rats", lambda: rats(arguments.data, names)),
        "transfer": ("Behaviour: fewer keypoints", lambda: transfer(arguments.data)),
    }
    for part, (title, measured) in parts.items():
        if arguments.part not in (None, part):
            continue
        if part in ("subtle", "rats", "transfer") and not arguments.data.is_dir():
            body = f"Not measured: {arguments.data} is not there."
        else:
            body = measured()
        print(f"## {title}\n\n{body}\n", flush=True)
        if arguments.write:
            write_section(title, body)


if __name__ == "__main__":
    main()
