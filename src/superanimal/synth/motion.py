"""A mouse that walks, turns, pauses and rears in an arena: poses over time, smooth and seedable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superanimal.synth.body import MousePose
from superanimal.synth.camera import Placement

STRIDE = 0.62
"""Distance covered in one stride, body lengths."""
DUTY = 0.6
"""Share of the stride a paw stands on the floor."""
_PHASES = (
    0.0,
    0.5,
    0.55,
    0.05,
)  # left fore, right fore, left hind, right hind: a trot, hind paws a little late


@dataclass(frozen=True)
class Walk:
    """State of the animal in each frame.

    ``x``, ``y`` (T,) image pixels of the mouse's centre, ``heading`` (T,) radians (unwrapped,
    counter-clockwise on the screen), ``speed`` (T,) body lengths per second, ``stride`` (T,) strides
    since the start, ``rear`` (T,) 0..1.
    """

    x: np.ndarray
    y: np.ndarray
    heading: np.ndarray
    speed: np.ndarray
    stride: np.ndarray
    rear: np.ndarray


def _wander(rng: np.random.Generator, steps: int, smooth: float) -> np.ndarray:
    """Smooth noise of unit variance, correlated over ``smooth`` frames."""
    reach = int(4 * smooth)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / smooth) ** 2)
    noise = np.convolve(rng.standard_normal(steps + 2 * reach), kernel / np.sqrt((kernel**2).sum()), "valid")
    return noise[:steps]


def simulate_walk(
    rng: np.random.Generator, frames: int, fps: float, arena: tuple[float, float, float, float], length: float
) -> Walk:
    """Simulate a walk that stays inside a rectangle.

    Parameters
    ----------
    rng
        Source of all randomness.
    frames, fps
        Duration and rate.
    arena
        x0, y0, x1, y1 in pixels: where the animal's centre may be.
    length
        Body length in pixels.
    """
    turn = _wander(rng, frames, 0.35 * fps) * 1.1
    drive = _wander(rng, frames, 0.8 * fps)
    speed = np.clip(1.5 + 1.2 * drive, 0.0, 3.2)
    rear = np.zeros(frames)
    for start in (0.43, 0.8):  # two short rearings, standing still
        at, span = int(start * frames), int(0.9 * fps)
        bump = np.sin(np.linspace(0, np.pi, span)) ** 2
        stop = min(frames, at + span)
        rear[at:stop] = np.maximum(rear[at:stop], bump[: stop - at])
    still = np.convolve(np.pad(rear, 8, mode="edge"), np.ones(17) / 17, "valid")
    speed = speed * np.clip(1 - 1.6 * still, 0.0, 1.0)
    x0, y0, x1, y1 = arena
    x, y, heading = np.zeros(frames), np.zeros(frames), np.zeros(frames)
    px, py, angle = (x0 + x1) / 2, (y0 + y1) / 2, rng.uniform(0, 2 * np.pi)
    for k in range(frames):
        ahead = length * (0.5 + 0.35 * speed[k])
        fx, fy = px + np.cos(angle) * ahead, py - np.sin(angle) * ahead
        out = max(x0 - fx, fx - x1, y0 - fy, fy - y1, 0.0) / length
        to_middle = np.arctan2(py - (y0 + y1) / 2, (x0 + x1) / 2 - px)
        error = (to_middle - angle + np.pi) % (2 * np.pi) - np.pi
        rate = turn[k] * min(1.0, 0.25 + speed[k]) + 4.0 * np.sign(error) * min(out, 0.8) * min(
            1.0, 0.3 + speed[k]
        )
        angle += rate / fps
        px = float(np.clip(px + np.cos(angle) * speed[k] * length / fps, x0, x1))
        py = float(np.clip(py - np.sin(angle) * speed[k] * length / fps, y0, y1))
        x[k], y[k], heading[k] = px, py, angle
    stride = np.cumsum(speed) / fps / STRIDE
    return Walk(x, y, heading, speed, stride, rear)


def paw_cycle(phase: float) -> tuple[float, float]:
    """Forward offset and lift (body lengths) of a paw at a phase 0..1 of its stride, stance first."""
    phase %= 1.0
    reach = STRIDE * DUTY / 2
    if phase < DUTY:
        return reach - 2 * reach * phase / DUTY, 0.0
    t = (phase - DUTY) / (1 - DUTY)
    return -reach * np.cos(np.pi * t), 0.035 * float(np.sin(np.pi * t))


def walk_states(
    rng: np.random.Generator, walk: Walk, fps: float, length: float
) -> list[tuple[Placement, MousePose]]:
    """Turn a walk into placements and postures, one for each frame.

    The spine follows the path and the tail trails it.

    Parameters
    ----------
    rng
        Source of head scanning and tail sway.
    walk
        From :func:`simulate_walk`.
    fps, length
        Frames per second and body length in pixels.
    """
    frames = len(walk.x)
    scan = _wander(rng, frames, 0.28 * fps) * 0.3
    nod = _wander(rng, frames, 0.4 * fps) * 0.1
    sway = [_wander(rng, frames, 0.5 * fps) * 0.3 for _ in range(3)]
    time = np.arange(frames)
    turn = np.gradient(walk.heading) * fps
    turn = np.convolve(np.pad(turn, 7, mode="edge"), np.hanning(17)[1:-1] / np.hanning(17).sum(), "valid")
    states = []
    for k in range(frames):
        lag = 0.4 / max(walk.speed[k], 0.8) * fps
        behind = [walk.heading[k] - float(np.interp(k - n * lag, time, walk.heading)) for n in (1, 2, 3, 4)]
        bend = np.clip([behind[0] * 0.7, turn[k] * 0.14, turn[k] * 0.12 + scan[k]], -0.8, 0.8)
        steps = [paw_cycle(float(walk.stride[k]) + phase) for phase in _PHASES]
        paws = np.array([[dx, 0.0, lift] for dx, lift in steps])
        wave = 0.08 * np.sin(2 * np.pi * walk.stride[k])
        tail = [-(behind[n + 1] - behind[n]) * 0.8 + sway[n][k] + wave for n in range(3)]
        rear = walk.rear[k]
        pose = MousePose(
            bend=(float(bend[0]), float(bend[1]), float(bend[2])),
            rise=(0.25 * rear, 0.03 + 0.4 * rear, float(-0.08 + nod[k] - 0.1 * rear)),
            roll=0.03 * float(np.sin(2 * np.pi * walk.stride[k])),
            stretch=float(0.97 + 0.03 * min(walk.speed[k], 2.0) / 2 - 0.12 * rear),
            paws=paws * np.array([1 - 0.8 * rear, 1.0, 1.0]),
            tail=(
                float(np.clip(tail[0], -1, 1)),
                float(np.clip(tail[1], -1, 1)),
                float(np.clip(tail[2], -1, 1)),
            ),
            tail_lift=0.02,
        )
        states.append((Placement(float(walk.x[k]), float(walk.y[k]), float(walk.heading[k]), length), pose))
    return states
