"""DeepLabCut 3.0.2 and our ``compatible`` mode with the same weights on the same frames, side by side.

    python benchmarks/parity_deeplabcut.py [--frames 56] [--animals 2] [--video FILE]
    python benchmarks/parity_deeplabcut.py --golden   # renews the numbers of tests/zoo/test_parity.py

DeepLabCut is installed once into its own environment in ``.cache/dlc-venv`` (it is LGPL and never a
dependency of ours). Neither the released weights nor the hub are needed: both programs get the same random
weights whose outputs look like those of trained ones (see ``_random_weights.py``). The frames come from a
real video; they are stored without loss, so that both programs see the same pixels whatever decoder they use.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import av
import numpy as np
from _random_weights import make_detector_weights, make_pose_weights
from _report import table, write_section

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "parity"
VENV = ROOT / ".cache" / "dlc-venv"
VIDEO = ROOT.parent / "shared" / "data" / "dlc-openfield" / "videos" / "m3v1mp4.mp4"
VERSION = "3.0.2"
LIMITS = {"keypoints (px)": 0.01, "keypoint scores": 1e-5, "boxes (px)": 0.1, "box scores": 1e-5}


class Case(NamedTuple):
    """A pose model and a detector of the zoo, by the names DeepLabCut gives them."""

    superanimal: str
    pose: str
    detector: str


CASES = (
    Case("superanimal_topviewmouse", "hrnet_w32", "fasterrcnn_mobilenet_v3_large_fpn"),
    Case("superanimal_quadruped", "resnet_50", "ssdlite"),
)


def install() -> Path:
    """Make sure that DeepLabCut is installed in its own environment; return its interpreter."""
    python = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (VENV / "installed").exists():
        print(f"installing deeplabcut=={VERSION} into {VENV} (some minutes, ~6 GB)", flush=True)
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--clear", "--python", "3.11", str(VENV)], check=True)
        subprocess.run([*uv, "pip", "install", "-p", str(python), f"deeplabcut=={VERSION}"], check=True)
        (VENV / "installed").touch()
    return python


def make_clip(video: Path, count: int) -> tuple[Path, np.ndarray]:
    """Store frames of a video without loss; return the file and the frames (n, H, W, 3)."""
    with av.open(str(video)) as source:
        every = max(1, source.streams.video[0].frames // count) if source.streams.video[0].frames else 1
        frames = []
        for k, frame in enumerate(source.decode(video=0)):
            if k % every == 0:
                frames.append(frame.to_ndarray(format="rgb24"))
            if len(frames) == count:
                break
    clip = write_clip(CACHE / f"clip{count}.avi", np.stack(frames))
    return clip, np.stack(frames)


def write_clip(clip: Path, frames: np.ndarray) -> Path:
    """Store frames (n, H, W, 3) without loss."""
    with av.open(str(clip), "w") as sink:
        stream = sink.add_stream("ffv1", rate=30)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="bgr0")))
        sink.mux(stream.encode(None))
    return clip


def make_weights(case: Case, frames: np.ndarray) -> tuple[Path, Path]:
    """Write both checkpoints of a case, named as DeepLabCut names them; return their paths."""
    from superanimal.zoo import get_entry

    folder = CACHE / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    pose = folder / f"{case.superanimal}_{case.pose}.pt"
    detector = folder / f"{case.superanimal}_{case.detector}.pt"
    some = frames[:: max(1, len(frames) // 6)]
    if not pose.exists():
        make_pose_weights(get_entry(pose.stem), some, pose)
    if not detector.exists():
        make_detector_weights(get_entry(detector.stem), some, detector)
    return pose, detector


def run_deeplabcut(
    python: Path, case: Case, clip: Path, weights: tuple[Path, Path], animals: int, threads: int
):
    """Run DeepLabCut; return keypoints (n, N, K, 3), boxes (n, N, 5) (-1 where absent) and its times."""
    out = CACHE / f"deeplabcut-{case.superanimal}-{case.pose}-{case.detector}"
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    options = {
        "clip": clip,
        "superanimal": case.superanimal,
        "pose": case.pose,
        "detector": case.detector,
        "pose-weights": weights[0],
        "detector-weights": weights[1],
        "out": out,
        "animals": animals,
        "threads": threads,
    }
    command = [str(python), str(Path(__file__).with_name("_deeplabcut_side.py"))]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    log = out / "log.txt"
    with log.open("w") as sink:
        done = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT, env=environment(threads))
    if done.returncode:
        sys.exit(f"DeepLabCut failed:\n{log.read_text()[-3000:]}")
    record = json.loads(next(out.glob("*_before_adapt.json")).read_text())
    keypoints = np.array([frame["bodyparts"] for frame in record], dtype=np.float64)
    boxes = np.full((len(record), animals, 5), -1.0)
    for i, frame in enumerate(record):
        found = np.array(frame["bboxes"], dtype=np.float64).reshape(-1, 4)[:animals]
        boxes[i, : len(found), :4] = found
        boxes[i, : len(found), 4] = np.array(frame["bbox_scores"], dtype=np.float64).ravel()[: len(found)]
    return keypoints, boxes, json.loads((out / "times.json").read_text())


def run_ours(case: Case, clip: Path, weights: tuple[Path, Path], animals: int, threads: int):
    """Run our ``compatible`` mode; return the same as :func:`run_deeplabcut`."""
    import torch

    from superanimal.inference import analyze

    torch.set_num_threads(threads)
    out = CACHE / f"ours-{case.superanimal}-{case.pose}-{case.detector}"
    start = time.perf_counter(), time.process_time()
    poses = analyze(
        clip,
        model=str(weights[0]),
        detector=str(weights[1]),
        mode="compatible",
        max_individuals=animals,
        batch_size=8,
        device="cpu",
        out=out,
        resume=False,
        formats=(),
    )
    times = {"seconds": time.perf_counter() - start[0], "cpu_seconds": time.process_time() - start[1]}
    position = poses["position"].transpose("time", "individual", "keypoint", "space").values
    confidence = poses["confidence"].transpose("time", "individual", "keypoint").values
    boxes = poses["boxes"].transpose("time", "individual", "box").values
    scores = poses["box_confidence"].transpose("time", "individual").values
    keypoints = np.concatenate([position, confidence[..., None]], axis=-1).astype(np.float64)
    return keypoints, np.concatenate([boxes, scores[..., None]], axis=-1).astype(np.float64), times


def compare(theirs: np.ndarray, ours: np.ndarray, their_boxes: np.ndarray, our_boxes: np.ndarray):
    """Return the largest differences by name, and the number of animals on both sides."""
    present = their_boxes[..., 4] >= 0
    also = np.isfinite(our_boxes[..., 4]) & (our_boxes[..., 4] >= 0)
    both = present & also
    if not both.any():
        sys.exit("no animal was found by both: the comparison says nothing")
    differences = {
        "keypoints (px)": np.abs(theirs[both][..., :2] - ours[both][..., :2]).max(),
        "keypoint scores": np.abs(theirs[both][..., 2] - ours[both][..., 2]).max(),
        "boxes (px)": np.abs(their_boxes[both][:, :4] - our_boxes[both][:, :4]).max(),
        "box scores": np.abs(their_boxes[both][:, 4] - our_boxes[both][:, 4]).max(),
    }
    return differences, int(present.sum()), int(also.sum())


def make_golden(python: Path) -> None:
    """Run DeepLabCut on synthetic frames with weights made by a rule, and keep its numbers for the tests."""
    sys.path.insert(0, str(ROOT / "tests" / "zoo"))
    import golden

    case = Case("superanimal_quadruped", "hrnet_w32", "ssdlite")
    clip = write_clip(CACHE / "synthetic.avi", golden.synthetic_frames())
    folder = CACHE / "golden"
    folder.mkdir(exist_ok=True)
    weights = golden.golden_weights(
        folder, f"{case.superanimal}_{case.pose}", f"{case.superanimal}_{case.detector}"
    )
    keypoints, boxes, times = run_deeplabcut(python, case, clip, weights, 2, 1)
    record = {
        "deeplabcut": times["deeplabcut"],
        "keypoints": np.round(keypoints, 6).tolist(),
        "boxes": np.round(boxes, 6).tolist(),
    }
    target = ROOT / "tests" / "zoo" / "golden_deeplabcut.json"
    target.write_text(json.dumps(record, separators=(",", ":")) + "\n")
    print(f"{target}: {keypoints.shape} keypoints, {boxes.shape} boxes")


def speed(count: int, times: dict[str, float]) -> str:
    """Return frames per second of processor time, and of the clock in brackets."""
    return f"{count / times['cpu_seconds']:.2f} ({count / times['seconds']:.2f})"


def environment(threads: int) -> dict[str, str]:
    """Return the environment of both programs: the same threads, no spinning."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=56)
    parser.add_argument("--animals", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--video", type=Path, default=VIDEO)
    parser.add_argument("--golden", action="store_true", help="renew the numbers of the tests")
    args = parser.parse_args()
    os.environ.update(environment(args.threads))
    CACHE.mkdir(parents=True, exist_ok=True)
    python = install()
    if args.golden:
        make_golden(python)
        return
    if not args.video.exists():
        sys.exit(f"{args.video} is not here: name a video with --video")
    clip, frames = make_clip(args.video, args.frames)
    rows, bad = [], []
    for case in CASES:
        weights = make_weights(case, frames)
        theirs, their_boxes, their_times = run_deeplabcut(
            python, case, clip, weights, args.animals, args.threads
        )
        ours, our_boxes, our_times = run_ours(case, clip, weights, args.animals, args.threads)
        differences, their_count, our_count = compare(theirs, ours, their_boxes, our_boxes)
        bad += [f"{case}: {k} {v:.2g}" for k, v in differences.items() if not v <= LIMITS[k]]
        if their_count != our_count:
            bad.append(f"{case}: {their_count} animals there, {our_count} here")
        rows.append(
            [
                f"{case.superanimal} {case.pose} + {case.detector}",
                f"{len(theirs)}",
                f"{their_count} / {our_count}",
                *(f"{differences[name]:.2g}" for name in LIMITS),
                *(speed(len(theirs), times) for times in (their_times, our_times)),
            ]
        )
        print(rows[-1], flush=True)
    header = ["models", "frames", "animals found DLC / ours", *(f"max diff {name}" for name in LIMITS)]
    header += ["DLC frames per CPU-second (wall)", "ours frames per CPU-second (wall)"]
    limits = ["limit", "", "equal", *(f"{limit:g}" for limit in LIMITS.values()), "", ""]
    verdict = "the same numbers" if not bad else f"DIFFERENT: {'; '.join(bad)}"
    body = (
        f"DeepLabCut {VERSION} against our `compatible` mode, {args.threads} thread(s), the same random "
        f"weights, frames of `{args.video.name}` spread over the video and stored without loss. Both times "
        f"contain loading the weights. Result: **{verdict}**.\n\n" + table(header, [*rows, limits])
    )
    write_section("Parity with DeepLabCut", body)
    print(body)
    if bad:
        sys.exit(1)


if __name__ == "__main__":
    main()
