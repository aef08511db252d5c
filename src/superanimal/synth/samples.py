"""Make the sample videos with their truth: ``python -m superanimal.synth.samples [FOLDER]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from superanimal.files import atomic_write
from superanimal.synth.anatomy import QUADRUPED
from superanimal.synth.body import TOPVIEWMOUSE, MouseShape
from superanimal.synth.camera import Camera
from superanimal.synth.horse import Gait, draw_horse, field, side_camera
from superanimal.synth.motion import simulate_walk, walk_states
from superanimal.synth.scene import Animal, Scene, render
from superanimal.synth.shading import Coat, Light, fractal_noise

FPS = 30
MOUSE_SIZE = (360, 480)
MOUSE_FRAMES = 300
HORSE_SIZE = (288, 704)
HORSE_FRAMES = 180
_SOURCE = "superanimal.synth (exact truth of a rendered video)"


def arena(rng: np.random.Generator, size: tuple[int, int], floor: tuple[int, int, int, int]) -> np.ndarray:
    """A light open-field box seen from above, (H, W, 3) float32 RGB; ``floor`` is x0, y0, x1, y1."""
    h, w = size
    x0, y0, x1, y1 = floor
    image = np.full((h, w, 3), (0.34, 0.35, 0.37), np.float32)
    inner = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    outer = np.array([[8, 6], [w - 9, 6], [w - 9, h - 7], [8, h - 7]])
    for k, tone in enumerate((0.62, 0.5, 0.56, 0.53)):
        quad = np.stack([inner[k], inner[(k + 1) % 4], outer[(k + 1) % 4], outer[k]])
        cv2.fillPoly(image, [quad.astype(np.int32)], (tone, tone * 1.0, tone * 0.98), cv2.LINE_AA)
    cv2.polylines(image, [outer.astype(np.int32)], True, (0.2, 0.2, 0.21), 3, cv2.LINE_AA)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    ground = 0.87 - 0.12 * np.hypot(x / w - 0.45, y / h - 0.4) + 0.012 * fractal_noise(rng, h, w, (3, 20, 60))
    tint = np.array([1.0, 0.985, 0.95], np.float32)
    image[y0:y1, x0:x1] = (ground[..., None] * tint)[y0:y1, x0:x1]
    cv2.polylines(image, [inner.astype(np.int32)], True, (0.42, 0.41, 0.4), 1, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), 0.7)


def mouse_frames(seed: int = 2) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (image uint8 RGB, keypoints (27, 2)) of the sample mouse video."""
    rng = np.random.default_rng(seed)
    h, w = MOUSE_SIZE
    floor, length = (44, 36, w - 44, h - 36), 78.0
    inside = (floor[0] + 44.0, floor[1] + 44.0, floor[2] - 44.0, floor[3] - 44.0)
    walk = simulate_walk(rng, MOUSE_FRAMES, FPS, inside, length)
    colours = np.array(
        [
            [0.075, 0.068, 0.062],
            [0.34, 0.26, 0.24],
            [0.5, 0.38, 0.35],
            [0.4, 0.32, 0.3],
            [0.2, 0.15, 0.14],
            [0.01, 0.01, 0.01],
            [0.5, 0.5, 0.5],
        ]
    )
    coat = Coat(colours, np.ones(3), fur_noise=0.1, gloss=0.06, seed=seed)
    background = arena(rng, MOUSE_SIZE, floor)
    shape = MouseShape(girth=1.0, tail_length=0.9)
    camera = Camera(center=(w / 2, h / 2), distance=900.0)
    lights = (Light(2.2, 1.1, 0.5), Light(0.4, 0.9, 0.25))
    for placement, pose in walk_states(rng, walk, FPS, length):
        scene = Scene(
            background,
            (Animal(shape, pose, coat, placement),),
            camera,
            lights,
            ambient=0.6,
            shadow=0.45,
            contact=0.25,
        )
        clean = render(scene)
        yield _expose(rng, clean.image), clean.keypoints[0]


def horse_frames(seed: int = 3) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (image uint8 RGB, keypoints (39, 2)) of the sample horse video."""
    rng = np.random.default_rng(seed)
    scale, ground = 66.0, HORSE_SIZE[0] * 0.86
    gait = horse_gait()
    background = field(rng, HORSE_SIZE, ground)
    camera = side_camera(scale, ground)
    for k in range(HORSE_FRAMES):
        image, keypoints = draw_horse(background, gait, k / FPS, camera, scale)
        yield _expose(rng, image), keypoints


def horse_gait() -> Gait:
    """The gait of the sample horse."""
    return Gait(speed=1.25, period=1.12, start=1.75)


def _expose(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    noisy = cv2.GaussianBlur(image, (0, 0), 0.45) + np.float32(0.006) * rng.standard_normal(
        (*image.shape[:2], 1), dtype=np.float32
    )
    return (np.clip(noisy, 0, 1) * 255 + 0.5).astype(np.uint8)


def _record(path: Path, frames: Iterator[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Write the video; return the keypoints (T, K, 2)."""
    from superanimal.video import VideoWriter

    first, truth = next(frames)
    tracked = [truth]
    with VideoWriter(path, first.shape[1], first.shape[0], FPS, crf=20, preset="slow") as video:
        video.write(first)
        for image, keypoints in frames:
            video.write(image)
            tracked.append(keypoints)
    return np.stack(tracked)


def _save_truth(path: Path, truth: np.ndarray, names: tuple[str, ...]) -> None:
    from superanimal.formats import save_poses
    from superanimal.poses import make_poses

    position = truth.transpose(0, 2, 1)[..., None].astype(np.float32)
    confidence = np.isfinite(position[:, 0]).astype(np.float32)
    poses = make_poses(
        position,
        np.where(confidence > 0, confidence, np.nan),
        keypoints=names,
        individuals=["animal0"],
        fps=FPS,
        source_software=_SOURCE,
    )
    save_poses(poses, path, format="dlc-h5")


def write_contacts(path: Path, gait: Gait, frames: int, fps: int = FPS) -> None:
    """Write the hoof contacts (whole stances): foot, touchdown and liftoff in seconds and frames."""
    duration = (frames - 1) / fps
    lines = ["foot,touchdown_s,liftoff_s,touchdown_frame,liftoff_frame"]
    for foot, down, up in gait.contacts(duration):
        if down > 0 and up <= duration:
            lines.append(f"{foot},{down:.4f},{up:.4f},{down * fps:.2f},{up * fps:.2f}")
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def make_samples(folder: Path) -> None:
    """Render both sample videos with their truth into a folder."""
    mouse = _record(folder / "topview_mouse.mp4", mouse_frames())
    _save_truth(folder / "topview_mouse_truth.h5", mouse, TOPVIEWMOUSE)
    horse = _record(folder / "sideview_horse.mp4", horse_frames())
    _save_truth(folder / "sideview_horse_truth.h5", horse, QUADRUPED)
    write_contacts(folder / "sideview_horse_contacts.csv", horse_gait(), HORSE_FRAMES)


if __name__ == "__main__":
    from superanimal.samples import SAMPLE_FOLDER

    make_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_FOLDER)
