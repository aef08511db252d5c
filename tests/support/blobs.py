"""A world with a known truth: coloured dots on grey, and networks with hand-set weights that find them.

Every animal is three dots in a row (red nose, green body, blue tail). Nothing is trained, so any error is
the pipeline's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from torch import nn

from superanimal.zoo.entry import HeadSpec, Licence, ModelEntry
from superanimal.zoo.pose_model import PoseModel

KEYPOINTS = ("red_nose", "green_body", "blue_tail")
HEIGHT, WIDTH = 120, 160
SPACING = 12.0
DOT = 3.0
GREY = 90


class BlobNetwork(nn.Module):
    """Heatmaps (B, 3, H/4, W/4) in 0..1: how much redder, greener, bluer than grey a place is, smoothed."""

    def __init__(self) -> None:
        super().__init__()
        steps = torch.arange(12) - 5.5
        bell = torch.exp(-(steps**2) / (2 * 3.0**2))
        kernel = bell[:, None] * bell[None, :]
        self.weight = nn.Parameter((kernel / kernel.sum()).repeat(3, 1, 1, 1), requires_grad=False)

    def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        others = torch.stack(
            [pixels[:, [1, 2]].amax(1), pixels[:, [0, 2]].amax(1), pixels[:, [0, 1]].amax(1)], 1
        )
        colour = torch.relu(pixels - others - 0.05)
        return {"heatmap": nn.functional.conv2d(colour, self.weight, stride=4, padding=4, groups=3)}


class BlobPose(PoseModel):
    """A pose model that notes the size of every batch."""

    def __init__(self, name: str = "blobs", margin: float = 1.5) -> None:
        entry = ModelEntry(
            name=name,
            kind="pose",
            title="coloured dots",
            architecture="none",
            licence=Licence("own", "own", ""),
            num_keypoints=3,
            input_size=(64, 64),
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
            crop_margin=margin,
            keypoint_names=KEYPOINTS,
            head=HeadSpec(stride=4.0, pixel_shift=0.5),
        )
        super().__init__(entry, BlobNetwork())
        self.batches: list[int] = []

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        self.batches.append(len(x))
        return super().forward(x)


class BlobDetector:
    """Has what the pipeline asks of a ``DetectorModel``: connected regions that are not grey."""

    def __init__(self, blind: frozenset[int] = frozenset()) -> None:
        self.entry = ModelEntry(
            name="blob_detector",
            kind="detector",
            title="regions that are not grey",
            architecture="none",
            licence=Licence("own", "own", ""),
            threshold=0.5,
            compatible_threshold=0.5,
        )
        self.network: nn.Module = nn.Identity()
        self.backend = "torch"
        self.batches: list[int] = []
        self.frames_seen = 0
        self.sizes: list[tuple[int, int]] = []
        self.blind = blind

    def to(self, device: str) -> BlobDetector:
        return self

    def digest(self) -> str:
        return "blobs"

    def detect(
        self, frames: Sequence[np.ndarray], long_side: int | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        self.batches.append(len(frames))
        self.sizes += [(int(frame.shape[0]), int(frame.shape[1])) for frame in frames]
        found = [self._boxes(frame) for frame in frames]
        for i in range(len(found)):
            if self.frames_seen + i in self.blind:
                found[i] = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        self.frames_seen += len(frames)
        return found

    @staticmethod
    def _boxes(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        coloured = (np.ptp(frame, axis=-1) > 60).astype(np.uint8)
        joined = cv2.dilate(coloured, np.ones((9, 9), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(joined)
        boxes = [(x, y, x + w, y + h, area) for x, y, w, h, area in stats[1:count] if area > 150]
        boxes.sort(key=lambda box: -box[4])
        xyxy = np.array([box[:4] for box in boxes], np.float32).reshape(-1, 4)
        return xyxy, np.array([min(0.99, box[4] / 1000 + 0.5) for box in boxes], np.float32)


def walk(frames: int, seed: int = 0, animals: int = 1) -> np.ndarray:
    """Return smooth positions (frames, animals, 3, 2) of the dots; animals keep to their own lanes."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 30
    lane = HEIGHT / animals
    phase, speed = rng.uniform(0, 6, (2, animals)), rng.uniform(0.7, 1.1, (2, animals))
    x = WIDTH / 2 + (WIDTH / 2 - 30) * np.sin(speed[0] * time + phase[0])
    y = lane * (np.arange(animals) + 0.5) + (lane / 2 - 22) * np.sin(speed[1] * time + phase[1])
    angle = 0.4 * np.sin(0.9 * time + phase[1])
    direction = np.stack([np.cos(angle), np.sin(angle)], -1)
    centre = np.stack([x, y], -1)
    return np.stack([centre + direction * SPACING, centre, centre - direction * SPACING], axis=2)


def draw(points: np.ndarray) -> np.ndarray:
    """Render one frame (H, W, 3) uint8 with dots at points (animals, 3, 2)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frame = np.full((HEIGHT, WIDTH, 3), float(GREY))
    for animal in points:
        for channel, (x, y) in enumerate(animal):
            if np.isfinite(x):
                bell = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * DOT**2))
                colour = np.zeros(3)
                colour[channel] = 255
                frame += bell[..., None] * (colour - frame)
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8)


def write_images(folder: Path, images: Sequence[np.ndarray]) -> Path:
    """Write pictures (H, W, 3) of any sizes as 0.png, 1.png, ... into a new folder."""
    folder.mkdir()
    for k, image in enumerate(images):
        cv2.imwrite(str(folder / f"{k}.png"), image[..., ::-1])
    return folder


def write_video(path: Path, points: np.ndarray, fps: int = 30, pauses: Sequence[int] = ()) -> Path:
    """Encode the animation of points (frames, animals, 3, 2) with full colour resolution.

    There is a pause of a second before each frame in ``pauses``.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"crf": "6", "preset": "ultrafast", "g": "40"}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        for k, each in enumerate(points):
            frame = av.VideoFrame.from_ndarray(draw(each), "rgb24")
            frame.pts, frame.time_base = k + fps * sum(k >= pause for pause in pauses), Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
