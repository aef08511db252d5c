"""Rendered videos of mice that differ from the training pictures in one respect, with exact truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from superanimal.adaptation import adapt
from superanimal.adaptation.run_folder import AFTER, BEFORE
from superanimal.formats import load_poses
from superanimal.synth.camera import Camera
from superanimal.synth.motion import simulate_walk, walk_states
from superanimal.synth.samples import arena
from superanimal.synth.scene import Animal, Scene, render, sample_scene
from superanimal.synth.scenery import paint_scenery
from superanimal.video import VideoWriter

FPS, FRAMES, SIZE, LENGTH = 30, 80, (264, 352), 70.0
SHIFTS = ("light", "blur", "colour", "size", "background")
"""Of each there are four videos: seeds 0 to 3 to report, 100 and more to choose methods by."""


@dataclass(frozen=True)
class RenderedVideo:
    """A video and its truth (T, K, 2) in pixels."""

    path: Path
    truth: np.ndarray


def video_of(folder: Path, shift: str, seed: int) -> RenderedVideo:
    """Return a video, rendered once."""
    path, file = folder / f"{shift}{seed}.mp4", folder / f"{shift}{seed}.npy"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng([seed, SHIFTS.index(shift)])
        truth = []
        with VideoWriter(path, SIZE[1], SIZE[0], FPS, crf=18) as writer:
            for image, points in _frames(random, shift):
                writer.write(image)
                truth.append(points)
        np.save(file, np.stack(truth))
    return RenderedVideo(path, np.load(file))


def _frames(random: np.random.Generator, shift: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield frames (H, W, 3) uint8 and keypoints (K, 2)."""
    height, width = SIZE
    length = LENGTH * (float(random.choice([0.28, 2.2])) if shift == "size" else 1.0)
    pattern = sample_scene(random, SIZE, length)
    edge = 0.45 * min(length, LENGTH)
    inside = (24 + edge, 20 + edge, width - 24 - edge, height - 20 - edge)
    background = arena(random, SIZE, (24, 20, width - 24, height - 20))
    if shift == "background":
        background = paint_scenery(random, SIZE, np.array([30, 30, width - 30, height - 30.0]), 0.35 * length)
    walk = simulate_walk(random, FRAMES, FPS, inside, length)
    camera = Camera(center=(width / 2, height / 2), distance=900.0 + 4 * length)
    kind = int(random.integers(2))
    for placement, pose in walk_states(random, walk, FPS, length):
        mouse = Animal(pattern.animals[0].shape, pose, pattern.animals[0].coat, placement)
        scene = Scene(background, (mouse,), camera, pattern.lights, ambient=0.6, shadow=0.4, contact=0.2)
        clean = render(scene)
        yield _planted(random, clean.image * 255, shift, kind), clean.keypoints[0]


def _planted(random: np.random.Generator, x: np.ndarray, shift: str, kind: int) -> np.ndarray:
    """Return a frame (H, W, 3) of 0..255 under a shift."""
    x = cv2.GaussianBlur(x.astype(np.float32), (0, 0), 0.45)
    noise = 1.5
    if shift == "light":
        x, noise = (150 * (x / 255) ** 2.4, 7.0) if kind else (255 * (x / 255) ** 0.35, 3.0)
    elif shift == "blur":
        if kind:
            x = cv2.GaussianBlur(x, (0, 0), 3.2)
        else:
            x = cv2.blur(cv2.GaussianBlur(x, (0, 0), 1.0), (15, 1))
    elif shift == "colour":
        tint, base = ((0.25, 0.5, 0.8), 60) if kind else ((1.0, 0.25, 0.2), 10)
        x = x * np.array(tint, np.float32) + base
        x = 255 - x if not kind else x
    x = x + random.normal(0, noise, x.shape)
    return np.clip(x, 0, 255).astype(np.uint8)


HEAD = ["shift", "videos", "median before, px", "after, px", "change, %", "worse", "kept", "worse and kept"]


def shifts_rendered(work: Path, seeds: range = range(4)) -> list[list[str]]:
    """Adapt to each video and return the table; figures that are there already are taken from ``work``."""
    file = work / "rendered.json"
    known: dict[str, list[float]] = json.loads(file.read_text()) if file.exists() else {}
    for seed in seeds:
        for shift in SHIFTS:
            name = f"{shift}{seed}"
            if name in known:
                continue
            video = video_of(work / "rendered", shift, seed)
            done = adapt(video.path, "mini_topviewmouse", out=work / "rendered" / name, device="cpu")
            medians = []
            for each in (BEFORE, AFTER):
                poses = load_poses(done.folder / each).isel(individual=0)
                position = poses["position"].transpose("time", "keypoint", "space").values
                away = np.linalg.norm(position - video.truth[poses["frame"].values], axis=-1)
                medians.append(float(np.nanmedian(away)))
            known[name] = [*medians, float(done.kept)]
            file.write_text(json.dumps(known, indent=1))
            print(name, known[name], done.verdict, flush=True)
    rows = []
    for shift in (*SHIFTS, ""):
        found = np.array([each for name, each in known.items() if name.startswith(shift)]).reshape(-1, 3)
        if not len(found):
            continue
        before, after = np.median(found[:, 0]), np.median(found[:, 1])
        change = 100 * float(np.median(found[:, 1] / found[:, 0] - 1))
        worse, kept = found[:, 1] > found[:, 0], found[:, 2] > 0
        rows.append(
            [shift or "all (bar: −20 %, at most 1 worse and kept)", str(len(found)), f"{before:.2f}",
             f"{after:.2f}", f"{change:+.0f}", str(worse.sum()), str(kept.sum()), str((worse & kept).sum())]
        )  # fmt: skip
    return rows
