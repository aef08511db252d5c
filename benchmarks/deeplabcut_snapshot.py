"""Our models in DeepLabCut, our projects in DeepLabCut: shown in its own environment.

    python benchmarks/deeplabcut_snapshot.py [--frames 12] [--video FILE]

For each architecture that both programs have: a labelled data set is written as a DeepLabCut project
(``superanimal convert ... --to deeplabcut``), DeepLabCut reads its config and labels and makes a training
set; a model is added to it as two shuffles, with and without a detector (``superanimal export-model --to
deeplabcut``), with a part of its keypoints in another order. Then ``deeplabcut.analyze_videos`` runs it, and
the numbers are compared with our ``compatible`` mode; ``evaluate_network`` and ``train_network`` (one epoch)
run on both shuffles. Weights are random but look trained, as in ``parity_deeplabcut.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np
from _report import table, write_section
from parity_deeplabcut import CACHE, VIDEO, Case, environment, install, make_clip, make_weights

CASES = (
    Case("superanimal_topviewmouse", "hrnet_w32", "fasterrcnn_mobilenet_v3_large_fpn"),
    Case("superanimal_quadruped", "resnet_50", "ssdlite"),
    Case("superanimal_quadruped", "rtmpose_s", "ssdlite"),
)
LIMIT_PX, LIMIT_SCORE = 0.01, 1e-4


def make_project(name: str, frames: np.ndarray, keypoints: tuple[str, ...], animals: int = 1) -> Path:
    """Write labels on some frames as a DeepLabCut project; the points are random, only their names matter."""
    from superanimal.labels import ImageRef, LabelledSet, materialize

    folder = CACHE / f"project-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    images = CACHE / "project-images"
    images.mkdir(parents=True, exist_ok=True)
    files = [images / f"img{i:03d}.png" for i in range(len(frames))]
    for file, frame in zip(files, frames, strict=True):
        cv2.imwrite(str(file), frame[..., ::-1])
    height, width = frames.shape[1:3]
    shape = (animals * len(frames), len(keypoints))
    labelled = LabelledSet(
        "labels",
        keypoints,
        [ImageRef(str(file), width=width, height=height) for file in files],
        np.repeat(np.arange(len(frames)), animals),
        np.random.default_rng(0).uniform(10, min(width, height) - 10, (*shape, 2)).astype(np.float32),
        np.full(shape, 2, np.int8),
        individuals=np.array([f"animal{i % animals}" for i in range(shape[0])], object),
        video=np.array(["clip"] * len(frames), object),
    )
    materialize(labelled, folder, "deeplabcut")
    return folder


def weights_of(case: Case, frames: np.ndarray) -> tuple[Path, Path]:
    """Return the checkpoints of a case; RTMPose gets plain random weights (its confidence is near 1)."""
    if not case.pose.startswith("rtmpose"):
        return make_weights(case, frames)
    import torch

    from superanimal.training.networks.heads import random_network
    from superanimal.zoo import get_entry

    pose = CACHE / "weights" / f"{case.superanimal}_{case.pose}.pt"
    pose.parent.mkdir(parents=True, exist_ok=True)
    entry = get_entry(pose.stem)
    torch.save({"model": random_network(entry, entry.num_keypoints, 0).state_dict()}, pose)
    return pose, make_weights(case._replace(pose="resnet_50"), frames)[1]


def run_deeplabcut(python: Path, project: Path, step: str, *arguments: object, threads: int = 1) -> dict:
    """Let DeepLabCut do one step of ``_deeplabcut_snapshot_side.py`` with a project; return what it says."""
    out = project / "side.json"
    command = [str(python), str(Path(__file__).with_name("_deeplabcut_snapshot_side.py"))]
    command += [str(project / "config.yaml"), str(out), step, *map(str, arguments)]
    log = project / f"{step}.log"
    with log.open("w") as sink:
        done = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT, env=environment(threads))
    if done.returncode:
        sys.exit(f"DeepLabCut failed ({step}):\n{log.read_text()[-3000:]}")
    return json.loads(out.read_text())


def try_shuffle(python: Path, project: Path, shuffle: int, threads: int) -> list[str]:
    """Evaluate a shuffle and train it for an epoch; return what came out, as cells of the table."""
    errors = run_deeplabcut(python, project, "evaluate", shuffle, threads=threads)
    trained = run_deeplabcut(python, project, "train", shuffle, threads=threads)
    if not 0 < trained["moved"] < 0.1:
        sys.exit(f"training began elsewhere: the weights moved by {trained['moved']:.2g} of their size")
    rmse = f"{errors['train rmse']:.1f} / {errors['test rmse']:.1f}"
    return [rmse, f"{trained['moved']:.1e}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=[case.pose for case in CASES], help="one model; writes no results")
    parser.add_argument("--video", type=Path, default=VIDEO)
    args = parser.parse_args()
    os.environ.update(environment(args.threads))
    import torch

    from superanimal.exporting.deeplabcut_shuffle import export_deeplabcut
    from superanimal.inference import analyze
    from superanimal.zoo import load_detector, load_model

    torch.set_num_threads(args.threads)
    CACHE.mkdir(parents=True, exist_ok=True)
    python = install()
    if not args.video.exists():
        sys.exit(f"{args.video} is not here: name a video with --video")
    clip, frames = make_clip(args.video, args.frames)
    rows, bad = [], []
    for case in [case for case in CASES if args.only in (None, case.pose)]:
        pose, detector = weights_of(case, frames)
        model, finder = load_model(pose), load_detector(detector)
        part = tuple(model.keypoints[i] for i in (13, 0, 7, 2, 1))
        project = make_project(f"{case.superanimal}-{case.pose}", frames[:6], part)
        opened = run_deeplabcut(python, project, "training_set", threads=args.threads)
        done = export_deeplabcut(model, project, detector=finder)
        bare = export_deeplabcut(model, project)
        theirs = run_deeplabcut(python, project, "analyse", done.shuffle, clip, threads=args.threads)
        poses = analyze(
            clip, model=str(done.snapshot), detector=str(detector), mode="compatible", device="cpu",
            out=CACHE / "ours-snapshot", resume=False, formats=(),
        )  # fmt: skip
        ours = poses.sel(keypoint=list(part)).isel(individual=0)
        xy = ours["position"].transpose("time", "keypoint", "space").values
        found = np.array(theirs["poses"], dtype=float)  # (T, K, 3)
        there = np.isfinite(found[..., 0]) & np.isfinite(xy[..., 0])
        if not there.any():
            sys.exit(f"{case}: no animal was found by both: the comparison says nothing")
        px = float(np.abs(found[..., :2] - xy)[there].max())
        score = float(np.abs(found[..., 2] - ours["confidence"].values)[there].max())
        one_sided = int((np.isfinite(found[..., 0]) != np.isfinite(xy[..., 0])).sum())
        if px > LIMIT_PX or score > LIMIT_SCORE or one_sided or theirs["keypoints"] != list(part):
            bad.append(f"{case.pose}: {px:.2g} px, score {score:.2g}, {one_sided} found by one only")
        rows.append(
            [case.pose, case.detector, opened["labels"], opened["training_set"], f"{there.sum()}"]
            + [f"{px:.2g}", f"{score:.2g}", *try_shuffle(python, project, done.shuffle, args.threads)]
        )
        rows.append(
            [case.pose, "none", "", "", "", "", "", *try_shuffle(python, project, bare.shuffle, args.threads)]
        )
        print(*rows[-2:], sep="\n", flush=True)
    several = make_project("several-animals", frames[:6], tuple(model.keypoints[:4]), animals=2)
    opened = run_deeplabcut(python, several, "training_set", threads=args.threads)
    done = export_deeplabcut(model, several)
    rows.append(
        [f"{case.pose}, two animals", "none", opened["labels"], opened["training_set"], "", "", ""]
        + try_shuffle(python, several, done.shuffle, args.threads)
    )
    header = ["model", "detector", "labels read (images x columns)", "training set made"]
    header += ["keypoints compared", "max diff (px)", "max diff score"]
    header += ["evaluate_network: RMSE train / test (px)", "train_network: weights moved by"]
    limits = ["limit", "", "", "", "", f"{LIMIT_PX:g}", f"{LIMIT_SCORE:g}", "", "0.1"]
    verdict = "the same numbers" if not bad else f"DIFFERENT: {'; '.join(bad)}"
    body = (
        f"DeepLabCut {opened['deeplabcut']} (torch {opened['torch']}) opens projects written by `superanimal "
        "convert --to deeplabcut` and runs models that `superanimal export-model --to deeplabcut` added to "
        f"them (5 of the model's keypoints, in another order), {args.frames} frames of `{args.video.name}`, "
        "against our `compatible` mode with the same snapshot. It evaluates and trains them (one epoch; "
        "weights and labels are random, so that the errors only show that it runs). Result: "
        f"**{verdict}**.\n\n" + table(header, [*rows, limits])
    )
    if args.only is None:
        write_section("Models and projects in DeepLabCut", body)
    print(body)
    if bad:
        sys.exit(1)


if __name__ == "__main__":
    main()
