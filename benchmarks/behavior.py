"""How well do classifiers of behaviour do on animals and sessions that they have not seen?

    python benchmarks/behavior.py [--part subtle] [--data ../shared/data] [--write] [--resume FOLDER]

Every part can be run by itself; with ``--resume`` what was predicted for a fold is kept in the folder, so
that a run that was stopped goes on where it was. The part ``training`` takes the figures out of fold of one
training on all sessions of two rats, which needs a quarter of the time of the part ``rats``.

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
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from _report import table, write_section

from superanimal import behavior
from superanimal.behavior.classifiers.smoothing import f1_of_classes
from superanimal.files import atomic_write
from superanimal.poses import make_poses

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

MARKS = ["nose", "neck", "anus", "chest", "rfoot", "lfoot", "rhand", "lhand", "tip"]
MOUSE = ["walking", "rearing", "standing", "grooming"]
SOCIAL = ["social", "nonsocial", "aggression"]
FIGHTS = ["base", "lateralthreat", "keepdown", "clinch", "uprightposture"]
RATS = (("S1", SOCIAL, "≥ 0.76"), ("S2", FIGHTS, "≥ 0.44"))
DEFAULT = "ensemble"
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
    name: str,
    poses: list[xr.Dataset],
    labels: list[np.ndarray],
    classes: list[str],
    folds: list[int],
    fps: float,
    **how: str,
) -> tuple[float, str, float]:
    """Return macro F1, F1 of each class and mean seconds to train, leaving each fold out in turn.

    ``name`` says what it is, for :data:`KEPT`.
    """
    truth, found, took = [], [], []
    for fold in sorted(set(folds)):
        train = [k for k, each in enumerate(folds) if each != fold]
        test = [k for k, each in enumerate(folds) if each == fold]

        def predicted(train: list[int] = train, test: list[int] = test) -> dict[str, np.ndarray]:
            start = time.monotonic()
            model = behavior.train(
                [poses[k] for k in train], [labels[k] for k in train], classes=classes, fps=fps, **how
            )
            seconds = time.monotonic() - start
            own = {str(k): behavior.predict(poses[k], model)["label"].to_numpy().astype(str) for k in test}
            return {"seconds": np.array(seconds), **own}

        kept = once(f"{name}, {', '.join(how.values())}, fold {fold}", predicted)
        took.append(float(kept["seconds"]))
        found += [kept[str(k)] for k in test]
        truth += [labels[k] for k in test]
    return *scored(truth, found, classes), float(np.mean(took))


KEPT: list[Path] = []
"""The folder in which results of folds are kept, if there is one."""


def once(name: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays that were kept under a name, else make and keep them."""
    if not KEPT:
        return make()
    path = KEPT[0] / f"{name}.npz"
    if not path.exists():
        arrays = make()
        KEPT[0].mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


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
            f1, each, took = left_out(
                f"subtle {space}-D", poses, labels, MOUSE, list(range(len(poses))), 20, **how
            )
            rows.append([f"{'x, y, z' if space == 3 else 'x, y'}", name, f"{f1:.3f}",
                         bar if name == DEFAULT else "", each, f"{took:.0f}"])  # fmt: skip
            print(rows[-1], flush=True)
    return "Five mice, each left out in turn; frames labelled `na` are left out.\n\n" + table(HEAD, rows)


def sessions(data: Path) -> tuple[list[xr.Dataset], dict[str, list[np.ndarray]]]:
    """Return the sessions of two rats, and the label of each frame in both streams."""
    from superanimal.behavior import frames_of, read_annotations
    from superanimal.formats import load_poses

    files = sorted((data / "rat-social").glob("*_poses.csv"))
    poses = [load_poses(file) for file in files]
    labels: dict[str, list[np.ndarray]] = {"S1": [], "S2": []}
    for file, each in zip(files, poses, strict=True):
        bouts = read_annotations(file.with_name(file.name.replace("_poses.csv", "_annotations.txt")), fps=30)
        for stream, own in labels.items():
            rows = bouts[bouts["stream"] == stream]
            names = sorted(rows["label"].unique())
            holds = frames_of(rows, each["frame"].values / 30, names)
            own.append(np.where(holds.any(axis=1), np.array(names, object)[holds.argmax(axis=1)], ""))
    return poses, labels


def rats(data: Path, classifiers: list[str]) -> str:
    rows = []
    poses, labels = sessions(data)
    for stream, classes, bar in RATS:
        for name in classifiers:
            f1, each_class, took = left_out(
                f"rats {stream}", poses, labels[stream], classes, [k % 4 for k in range(len(poses))], 30,
                classifier=name,
            )  # fmt: skip
            rows.append(
                [stream, name, f"{f1:.3f}", bar if name == DEFAULT else "", each_class, f"{took:.0f}"]
            )
            print(rows[-1], flush=True)
    return (
        "Eight sessions of two rats, two left out in turn. The bars are for sessions not at hand.\n\n"
        + table(HEAD, rows)
    )


def training(data: Path, classifiers: list[str]) -> str:
    """Train on all sessions of two rats and predict one; the scores out of fold are those of the model."""
    rows = []
    poses, labels = sessions(data)
    for stream, classes, bar in RATS:
        for name in classifiers:

            def measured(
                own: list[np.ndarray] = labels[stream], classes: list[str] = classes, name: str = name
            ) -> dict[str, np.ndarray]:
                start, busy = time.monotonic(), time.process_time()
                model = behavior.train(poses, own, classes=classes, fps=30, classifier=name)
                behavior.predict(poses[0], model)
                times = [time.monotonic() - start, time.process_time() - busy]
                return {"f1": model.scores["f1"].to_numpy(), "times": np.array(times)}

            kept = once(f"training {stream}, {name}", measured)
            each = ", ".join(f"{c} {value:.2f}" for c, value in zip(classes, kept["f1"], strict=True))
            wall, busy = (f"{value:.0f}" for value in kept["times"])
            own_bar = bar if name == DEFAULT else ""
            rows.append([stream, name, f"{np.nanmean(kept['f1']):.3f}", own_bar, each, wall, busy])
            print(rows[-1], flush=True)
    return (
        "Trained on eight sessions of two rats (86,000 to 114,000 frames), then one is predicted. F1 is out "
        "of fold, two sessions left out at a time, as the model states it. The bars are for sessions not at "
        "hand.\n\n"
        + table(["data", "classifier", "macro F1", "bar", "F1 of each class", "seconds (≤ 300)",
                 "seconds of one core"], rows)
    )  # fmt: skip


def planted() -> str:
    from mice_that_act import CLASSES, acting

    recordings = [acting(seed, 1800) for seed in range(6)]
    f1, each, took = left_out(
        "planted",
        [p for p, _ in recordings],
        [y for _, y in recordings],
        CLASSES,
        [k % 3 for k in range(6)],
        20,
    )
    return "Generated animals that walk, stand and shake; two of six left out in turn.\n\n" + table(
        HEAD, [["planted", DEFAULT, f"{f1:.3f}", "≥ 0.95", each, f"{took:.0f}"]]
    )


def transfer(data: Path) -> str:
    """Train on nine points and predict on five, and train on the five themselves."""
    poses, labels = mice(data / "subtle-mouse3d-behaviour", 3)
    five = ["nose", "neck", "anus", "chest", "tip"]
    fewer = [each.sel(keypoint=five) for each in poses]
    truth: list[np.ndarray] = []
    found: dict[str, list[np.ndarray]] = {"nine": [], "five": []}
    for k in range(len(poses)):

        def predicted(k: int = k) -> dict[str, np.ndarray]:
            train = [j for j in range(len(poses)) if j != k]
            model = behavior.train([poses[j] for j in train], [labels[j] for j in train], classes=MOUSE)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the model is fitted again, which is what is measured
                return {
                    name: behavior.predict(own[k], model)["label"].to_numpy().astype(str)
                    for name, own in (("nine", poses), ("five", fewer))
                }

        for name, own in once(f"transfer, fold {k}", predicted).items():
            found[name].append(own)
        truth.append(labels[k])
    rows = [[name, f"{scored(truth, own, MOUSE)[0]:.3f}"] for name, own in found.items()]
    return "Trained on nine points of SUBTLE, x, y, z (cost at most 0.05).\n\n" + table(
        ["points of the new recording", "macro F1"], rows
    )


def rears() -> str:
    """Train on rendered mice that rear at the walls of their arena and away from them."""
    from rears import CLASSES, SEVEN

    poses, labels, arenas = rearing_mice()
    fewer = [each.sel(keypoint=SEVEN) for each in poses]
    rows = []
    for name, regions in (("no", [None] * len(poses)), ("yes", arenas)):

        def predicted(regions: Sequence[behavior.Regions | None] = regions) -> dict[str, np.ndarray]:
            model = behavior.train(poses[:3], labels[:3], classes=CLASSES, regions=regions[:3])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the model is fitted again, which is what is measured
                return {
                    f"{points} {k}": behavior.predict(own[k], model, regions=regions[k])["label"]
                    .to_numpy()
                    .astype(str)
                    for points, own in (("27", poses), ("7", fewer))
                    for k in (3, 4)
                }

        kept = once(f"rears, {name}", predicted)
        for points in ("27", "7"):
            f1, each = scored(labels[3:], [kept[f"{points} {k}"] for k in (3, 4)], CLASSES)
            rows.append([name, points, f"{f1:.3f}", each])
    return (
        "The renderer's mouse, 27 points seen from above, rears as often at a wall (`supported`) as away "
        "from it, and goes to the wall as often without rearing; trained on three recordings of about 3,600 "
        "frames, two others are predicted, with all points and with 7 of them (cost at most 0.05). No real "
        "poses with such labels are at hand.\n\n"
        + table(["arena given", "points of the new recording", "macro F1", "F1 of each class"], rows)
    )


def rearing_mice() -> tuple[list[xr.Dataset], list[np.ndarray], list[behavior.Regions]]:
    """Return five recordings of rearing mice, and keep them."""
    from rears import CLASSES, FPS, rearing

    def made() -> dict[str, np.ndarray]:
        out = {}
        for seed in range(5):
            poses, labels, regions = rearing(seed)
            assert regions.arena is not None
            out |= {f"p{seed}": poses["position"].values, f"y{seed}": labels, f"a{seed}": regions.arena}
        return out | {"names": poses["keypoint"].values.astype(str)}

    kept = once("rearing mice", made)
    poses = [make_poses(kept[f"p{k}"], keypoints=kept["names"].tolist(), fps=FPS) for k in range(5)]
    assert set(kept["y0"]) <= set(CLASSES)
    return poses, [kept[f"y{k}"] for k in range(5)], [behavior.Regions({}, kept[f"a{k}"]) for k in range(5)]


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


PARTS = ("planted", "speed", "rears", "subtle", "rats", "training", "transfer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "../shared/data")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--classifiers", default="ensemble,boosting,mlp,logistic,majority")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--resume", type=Path, help="folder of what was predicted before")
    arguments = parser.parse_args()
    KEPT[:] = [arguments.resume] if arguments.resume else []
    names = arguments.classifiers.split(",")
    parts = {
        "planted": ("Behaviour: planted", planted),
        "speed": ("Behaviour: features of a long recording", speed),
        "rears": ("Behaviour: rears and fewer keypoints, rendered", rears),
        "subtle": ("Behaviour: one mouse", lambda: subtle(arguments.data, names)),
        "rats": ("Behaviour: two rats", lambda: rats(arguments.data, names)),
        "training": ("Behaviour: training time", lambda: training(arguments.data, names)),
        "transfer": ("Behaviour: fewer keypoints", lambda: transfer(arguments.data)),
    }
    for part, (title, measured) in parts.items():
        if arguments.part not in (None, part):
            continue
        if part not in ("planted", "speed", "rears") and not arguments.data.is_dir():
            body = f"Not measured: {arguments.data} is not there."
        else:
            body = measured()
        print(f"## {title}\n\n{body}\n", flush=True)
        if arguments.write:
            write_section(title, body)


if __name__ == "__main__":
    main()
