"""The animal's own frame: keypoint positions after aligning the animal with a typical shape.

A :class:`Shape` is the mean of many poses after similarity alignment (generalised Procrustes analysis; Gower
1975). A pose is aligned to it by a similarity transform fitted with Tukey's biweight, so that a few wrong
keypoints do not rotate the animal. Because animals bend, the direction at each keypoint is fitted with higher
weights for nearby keypoints (moving least squares; Schaefer et al. 2006, section 2.2).

Coordinates are in body lengths, x forward, y to the animal's left. For animals seen from both sides, such as
horses walking either way, y is instead the direction that is mostly up in the images. In this module a point
is one complex number: x - iy in the image, whose y axis points down, x + iy in the animal's frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superanimal.errors import InputError
from superanimal.poses.space import KeypointSpace

FRONT, BACK = ("nose", "snout"), ("tail_base", "tailbase")
"""Keypoints whose distance is the body length."""
NEAR = 0.3
"""Range in body lengths (standard deviation) of keypoints that define the direction at a keypoint."""
FAR = 0.02
"""Weight of distant keypoints, so that the direction is defined everywhere."""
LEAST = 3
"""Minimum number of keypoints to find the frame of an animal."""
TUKEY = 6.0
"""Keypoints with an error of more than this many times the pose's median error are ignored."""
SMALL_ERROR = 0.2
"""Keypoints with an error below this fraction of the shape's radius are always used."""
NO_EXTENT = 1e-9
"""Poses up to this size are treated as one point."""
ROUNDS = 8
"""Number of iterations of robust reweighting, and of averaging shapes."""
OTHER_SIDE = 0.7
"""A pose is a mirror image of the shape if mirroring reduces the residual below this fraction."""
MIRRORED_SHARE = 0.15
"""With a smaller fraction of mirror images, animals are assumed to be seen from one side only."""


@dataclass(frozen=True)
class Shape:
    """The typical positions of K keypoints in the animal's own frame.

    Attributes
    ----------
    keypoints
        K names.
    points : (K, 2) float64
        Body lengths, x forward, y left (up when ``mirrored``); NaN for keypoints never seen.
    axis
        Direction of x, such as ``"tail_base to nose"``.
    mirrored
        Whether the animal is seen from both sides (a walking horse), so that mirror images are allowed.
    """

    keypoints: tuple[str, ...]
    points: np.ndarray
    axis: str
    mirrored: bool


@dataclass(frozen=True)
class AnimalFrames:
    """The frames of F animals at each of K keypoints.

    Attributes
    ----------
    length : (F,) float64
        Body length in pixels; NaN if no frame was found.
    turn : (F, K) complex128
        Unit complex number that rotates forward to its direction in the image.
    mirrored : (F,) bool
        Whether the animal is a mirror image of the shape.
    """

    length: np.ndarray
    turn: np.ndarray
    mirrored: np.ndarray

    def to_own(self, vectors: np.ndarray) -> np.ndarray:
        """Convert pixel vectors (F, K, 2) to body lengths (F, K, 2) in the animal's own frame."""
        with np.errstate(invalid="ignore"):  # no frame: NaN
            own = _complex(vectors) / (self.turn * self.length[:, None])
        own = np.where(self.mirrored[:, None], own.conj(), own)
        return np.stack([own.real, own.imag], axis=-1)

    def to_image(self, offsets: np.ndarray) -> np.ndarray:
        """Convert body lengths (K, 2) or (F, K, 2) in the animal's own frame to pixel vectors (F, K, 2)."""
        own = offsets[..., 0] + 1j * offsets[..., 1]
        own = np.where(self.mirrored[:, None], own.conj(), own)
        z = own * self.turn * self.length[:, None]
        return np.stack([z.real, -z.imag], axis=-1)


def mean_shape(
    points: np.ndarray,
    confidence: np.ndarray,
    keypoints: Sequence[str],
    space: KeypointSpace | None = None,
) -> Shape:
    """Return the typical shape of F poses.

    Parameters
    ----------
    points : (F, K, 2)
        Pixels; NaN where absent.
    confidence : (F, K)
        0..1; NaN counts as certain.
    keypoints
        K names.
    space
        Keypoint space whose left/right pairs give the direction if no front and back keypoint is known.

    Raises
    ------
    InputError
        When no pose has three keypoints.
    """
    z, weights = _complex(points), _weights(points, confidence)
    usable = (weights > 0).sum(1) >= LEAST
    if not usable.any():
        raise InputError(
            f"none of {len(z)} poses has {LEAST} keypoints", "the animal's own frame needs at least three"
        )
    z, weights = z[usable], weights[usable]
    start = np.argmax(weights.sum(1))
    shape = np.where(weights[start] > 0, z[start], np.nan)
    mirrored = False
    for last in (False, True):  # first determine whether mirror images occur, then the shape
        for _ in range(ROUNDS):
            fit = _fit(z, weights, shape, mirrored or not last)
            aligned = fit.inverse(z)
            total = fit.weights.sum(0)
            mean = (fit.weights * aligned).sum(0) / np.maximum(total, np.finfo(float).tiny)
            shape = np.where(total > 0, mean, np.nan)
        mirrored = bool(fit.mirrored.mean() >= MIRRORED_SHARE)
    origin, forward, axis = _axes(shape, keypoints, space)
    shape = (shape - origin) / forward
    if mirrored and _up(fit, forward).imag < 0:
        shape = shape.conj()
    return Shape(tuple(keypoints), np.stack([shape.real, shape.imag], -1), axis, mirrored)


def _up(fit: _Similarity, forward: complex) -> complex:
    """Return the mean direction of image up, in a shape with this forward direction."""
    with np.errstate(invalid="ignore"):
        up = 1j / fit.scale
        up = np.where(fit.mirrored, up.conj(), up) / forward
    return complex(np.nansum(up / np.abs(up)))


def find_frames(points: np.ndarray, confidence: np.ndarray, shape: Shape) -> AnimalFrames:
    """Return the frames of F poses with points (F, K, 2) in pixels and confidence (F, K).

    Poses with fewer than three keypoints of the shape get NaN.
    """
    z, weights = _complex(points), _weights(points, confidence)
    typical = shape.points[:, 0] + 1j * shape.points[:, 1]
    fit = _fit(z, weights, typical, shape.mirrored)
    apart = np.abs(typical[:, None] - typical[None])
    near = np.where(np.isfinite(apart), np.exp(-0.5 * (apart / NEAR) ** 2) + FAR, 1.0)
    near[:, ~np.isfinite(typical)] = 0
    target = np.where(fit.mirrored[:, None], typical.conj(), typical)
    t, w = np.where(fit.weights > 0, target, 0), fit.weights
    p = np.where(w > 0, z, 0)
    total = w @ near.T
    with np.errstate(invalid="ignore", divide="ignore"):
        product = (w * t.conj() * p) @ near.T / total
        turn = product - (w * t.conj()) @ near.T / total * ((w * p) @ near.T / total)
        turn /= np.abs(turn)
        whole = fit.scale / np.abs(fit.scale)
    turn = np.where(np.isfinite(turn), turn, whole[:, None])
    return AnimalFrames(np.abs(fit.scale), turn, fit.mirrored)


@dataclass(frozen=True)
class _Similarity:
    """z = shift + scale * shape (or its mirror image), with the robust weights (F, K) of the fit."""

    scale: np.ndarray
    shift: np.ndarray
    mirrored: np.ndarray
    weights: np.ndarray

    def inverse(self, z: np.ndarray) -> np.ndarray:
        aligned = (z - self.shift[:, None]) / self.scale[:, None]
        aligned = np.where(self.mirrored[:, None], aligned.conj(), aligned)
        return np.where(self.weights > 0, aligned, 0)


def _fit(z: np.ndarray, weights: np.ndarray, shape: np.ndarray, mirror: bool) -> _Similarity:
    """Fit the shape (K,) to poses z (F, K) with weights (F, K), also mirrored if allowed."""
    scale, shift, robust, residual = _robust(z, weights, shape)
    mirrored = np.zeros(len(z), dtype=bool)
    if mirror:
        other = _robust(z, weights, shape.conj())
        mirrored = other[3] < OTHER_SIDE * residual
        scale, shift = np.where(mirrored, other[0], scale), np.where(mirrored, other[1], shift)
        robust = np.where(mirrored[:, None], other[2], robust)
    return _Similarity(scale, shift, mirrored, robust)


def _robust(
    z: np.ndarray, weights: np.ndarray, shape: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return scale, shift (F,), final weights (F, K) and relative residual (F,) of the fits."""
    seen = np.isfinite(shape)
    radius = shape[seen].std() if seen.any() else 0.0
    weights = np.where(seen, weights, 0.0)
    z, shape = np.where(weights > 0, z, 0), np.where(seen, shape, 0)
    robust = weights
    for _ in range(ROUNDS):
        total = robust.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            middle = (robust * z).sum(1) / total
            centre = (robust @ shape) / total
            spread = robust @ np.abs(shape) ** 2 / total - np.abs(centre) ** 2
            product = (robust * z) @ shape.conj() / total - middle * centre.conj()
            scale = np.where(spread > 0, product / spread, np.nan)
            shift = middle - scale * centre
            error = np.abs(z - shift[:, None] - scale[:, None] * shape) / np.abs(scale)[:, None]
            typical = _weighted_median(error, weights)
            limit = np.maximum(TUKEY * typical, SMALL_ERROR * radius)[:, None]
            robust = weights * np.clip(1 - (error / limit) ** 2, 0, None) ** 2
        robust = np.where(np.isfinite(robust), robust, 0.0)
    enough = ((robust > 0).sum(1) >= LEAST) & (np.abs(scale) > NO_EXTENT)
    return np.where(enough, scale, np.nan), shift, robust * enough[:, None], typical


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted median of each row of values (F, K)."""
    order = np.argsort(values, axis=1)
    upto = np.cumsum(np.take_along_axis(weights, order, 1), axis=1)
    middle = (upto < 0.5 * upto[:, -1:]).sum(1).clip(max=values.shape[1] - 1)
    return np.take_along_axis(values, np.take_along_axis(order, middle[:, None], 1), 1)[:, 0]


def _axes(
    shape: np.ndarray, keypoints: Sequence[str], space: KeypointSpace | None
) -> tuple[complex, complex, str]:
    """Return the centre of a shape, one body length forward (complex), and the name of that axis."""
    known = {name: complex(shape[k]) for k, name in enumerate(keypoints) if np.isfinite(shape[k])}
    every = np.array(list(known.values()))
    middle = complex(every.mean())
    front = next((name for name in FRONT if name in known), None)
    back = next((name for name in BACK if name in known), None)
    if front and back and known[front] != known[back]:
        return middle, known[front] - known[back], f"{back} to {front}"
    length = float(np.abs(every[:, None] - every[None]).max())
    pairs = space.pairs if space else ()
    left = sum((known[a] - known[b] for a, b in pairs if a in known and b in known), start=0j)
    if left:
        return middle, -1j * left / abs(left) * length, "at right angles to right-to-left"
    long = np.exp(0.5j * np.angle(np.sum((every - middle) ** 2)))
    return middle, complex(long * length), "long axis of the shape, either way"


def _complex(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    return np.asarray(points[..., 0] - 1j * points[..., 1])


def _weights(points: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return the squared confidence (F, K): 0 for absent points, 1 for points without a confidence."""
    sure = np.where(np.isfinite(confidence), confidence, 1.0)
    return np.where(np.isfinite(points).all(-1), np.clip(sure, 0, 1) ** 2, 0.0)
