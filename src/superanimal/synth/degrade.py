"""What a real camera and codec do to a clean picture."""

from __future__ import annotations

import cv2
import numpy as np


def degrade(
    rng: np.random.Generator,
    image: np.ndarray,
    grey: float = 0.55,
    tint: float = 0.18,
    least: float = 0.35,
) -> np.ndarray:
    """Blur, grey or tint, gamma, exposure, vignette, noise, block compression.

    Parameters
    ----------
    rng
        Source of all randomness.
    image
        (H, W, 3) float32 RGB, about 0..1.
    grey, tint
        Chance of a grey picture, and strength of a colour cast.
    least
        How bright, 0..1, the exposure makes the brighter parts at least.

    Returns
    -------
    ndarray
        (H, W, 3) uint8 RGB.
    """
    h, w = image.shape[:2]
    out = image
    if rng.random() < 0.6:  # defocus
        out = cv2.GaussianBlur(out, (0, 0), abs(rng.normal(0, 0.8)) + 0.2)
    if rng.random() < 0.15:  # motion of the camera's shutter
        n = int(rng.integers(3, 8))
        kernel = np.zeros((n, n), np.float32)
        angle = rng.uniform(0, np.pi)
        d = np.array([np.cos(angle), np.sin(angle)]) * (n - 1) / 2
        c = (n - 1) / 2
        cv2.line(kernel, (round(c - d[0]), round(c - d[1])), (round(c + d[0]), round(c + d[1])), 1.0)
        out = cv2.filter2D(out, -1, kernel / kernel.sum())
    if rng.random() < grey:
        out = np.repeat((out @ np.array([0.3, 0.59, 0.11], np.float32))[..., None], 3, -1)
    if rng.random() < 0.35:  # colour cast
        out = out * np.clip(1 + rng.normal(0, tint, 3), 0.3, 1.5).astype(np.float32)
    if rng.random() < 0.4:
        y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
        out = out * (1 - np.float32(rng.uniform(0, 0.4)) * (x * x + y * y) / 2)[..., None]
    bright = float(np.percentile(out[::8, ::8], 97))
    gain = max(np.exp(rng.normal(0, 0.22)), least / max(bright, 0.02))  # never an all-black picture
    out = np.clip(out * np.float32(gain), 0, 1) ** np.float32(np.exp(rng.normal(0, 0.3)))
    lift = np.float32(abs(rng.normal(0, 0.05)))
    out = lift + (1 - lift) * out
    noise = abs(rng.normal(0, 0.02))
    if noise > 0.003:
        channels = 1 if rng.random() < 0.5 else 3
        out = out + np.float32(noise) * rng.standard_normal((h, w, channels), dtype=np.float32)
    picture = (np.clip(out, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.5:
        _, data = cv2.imencode(
            ".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
        )
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
    return np.ascontiguousarray(picture)
