"""Offsets: a fixed shift per keypoint, in the animal's own frame, from a model's definition to a user's.

They are stored in a JSON file created by :func:`superanimal.measure_offsets`, belong to one model (SHA-256 of
the weights) and shift predicted points. No network is trained, and points set by a person do not change.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError, InputError, NotFoundError, by_caller
from superanimal.files import atomic_write
from superanimal.poses.animal_frame import Shape, find_frames
from superanimal.poses.provenance import get_provenance, set_provenance

KIND, VERSION = "superanimal-offsets", 1
KIND_BEFORE = "superanimal-calibration"
"""Kind of older files, from before offsets had their name; otherwise identical."""


@dataclass(frozen=True)
class Offsets:
    """Offsets from the K keypoints of a model to those of a user.

    Attributes
    ----------
    shape
        Keypoints of the model (K names) and their typical pose, used to find the animal's frame.
    values : (K, 2) float64
        Body lengths, x forward, y to the animal's left; 0 for keypoints without an offset.
    intervals : (K, 2, 2) float64
        Lower and upper limit of each offset; NaN for keypoints without an offset.
    table
        The model keypoint for each user keypoint that was examined.
    model, weights
        Name of the model and SHA-256 of its weights; empty when unknown.
    facts
        Images, cross-validated gain (total and per keypoint), settings, provenance.
    """

    shape: Shape
    values: np.ndarray
    intervals: np.ndarray
    table: dict[str, str]
    model: str = ""
    weights: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def moved(self) -> tuple[str, ...]:
        """Keypoints of the model that have an offset."""
        return tuple(
            name for name, offset in zip(self.shape.keypoints, self.values, strict=True) if offset.any()
        )

    @cached_property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of everything that determines the shift."""
        parts = {key: self.to_dict()[key] for key in ("weights", "shape", "keypoints")}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def move(self, points: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """Return the shifted positions of F animals.

        Parameters
        ----------
        points : (F, K, 2)
            Pixels, in the order of ``shape.keypoints``; NaN where absent.
        confidence : (F, K)
            0..1.

        Returns
        -------
        (F, K, 2) float64
            Pixels. Animals whose frame cannot be found (fewer than three keypoints) are unchanged.
        """
        frames = find_frames(points, confidence, self.shape)
        shift = frames.to_image(self.values)
        return np.asarray(points + np.where(np.isfinite(shift), shift, 0))

    def apply(self, ds: xr.Dataset) -> xr.Dataset:
        """Return a pose data set with shifted positions; the original is not modified.

        Confidence, boxes and points set by a person (``edited``) do not change.

        Parameters
        ----------
        ds
            Pose data set (time, space, keypoint, individual) of the model these offsets belong to.

        Raises
        ------
        InputError
            When the data set has other keypoints or is from other weights, or offsets were already applied.
        """
        self.check(ds)
        order = ("time", "individual", "keypoint", "space")
        position = ds["position"].transpose(*order).values.astype(float)
        confidence = ds["confidence"].transpose(*order[:3]).values
        points = len(self.shape.keypoints)
        moved = self.move(position.reshape(-1, points, 2), confidence.reshape(-1, points))
        moved = moved.reshape(position.shape)
        if "edited" in ds:
            moved = np.where(ds["edited"].transpose(*order[:3]).values[..., None], position, moved)
        result = ds.copy()
        result["position"] = ds["position"].copy(data=moved.transpose(0, 3, 2, 1).astype(np.float32))
        return set_provenance(result, {**get_provenance(ds), "calibration": self.record()})

    def check(self, ds: xr.Dataset) -> None:
        """Raise InputError if these offsets cannot be applied to a pose data set."""
        record = get_provenance(ds)
        if record.get("calibration"):
            raise InputError(
                f"offsets were already applied to the poses ({record['calibration'].get('digest', '')})",
                "offsets are applied once, to the output of the network",
            )
        known = [str(name) for name in ds["keypoint"].values]
        self.check_model(known, str(record.get("weights") or ""), str(record.get("model") or "the poses"))

    def check_model(self, keypoints: Sequence[str], weights: str, name: str) -> None:
        """Raise InputError if keypoints or weights are not those of the model these offsets belong to.

        Parameters
        ----------
        keypoints
            Names in channel order.
        weights
            SHA-256; an empty text (unknown) is accepted.
        name
            Name of the other model, for the message.
        """
        if tuple(keypoints) != self.shape.keypoints:
            odd = sorted(set(keypoints) ^ set(self.shape.keypoints)) or ["another order"]
            raise InputError(
                f"{name}: not the keypoints of the offsets ({', '.join(odd[:5])})",
                f"they are for the {len(self.shape.keypoints)} keypoints of {self.model or 'one model'}",
            )
        if weights and self.weights and weights != self.weights:
            raise InputError(
                f"the offsets are for {self.model} (weights {self.weights[:12]}), "
                f"not for {name} (weights {weights[:12]})",
                "offsets belong to the weights they were measured with",
                "measure the offsets of this model"
                + by_caller("", ": superanimal match LABELS --model MODEL --offsets"),
            )

    def record(self) -> dict[str, Any]:
        """Return the provenance entry for poses with these offsets."""
        return {
            "digest": self.digest,
            "model": self.model,
            "weights": self.weights,
            "moved": list(self.moved),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        rows = zip(self.shape.keypoints, self.shape.points, self.values, self.intervals, strict=True)
        return {
            "kind": KIND,
            "version": VERSION,
            "model": self.model,
            "weights": self.weights,
            "table": self.table,
            "shape": {"axis": self.shape.axis, "mirrored": self.shape.mirrored},
            "keypoints": {
                name: {
                    "typical": _numbers(typical),
                    "offset": _numbers(offset),
                    "interval": [_numbers(limit) for limit in interval] if offset.any() else None,
                }
                for name, typical, offset, interval in rows
            },
            "facts": self.facts,
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the offsets as JSON."""
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
        return Path(path)


def load_offsets(path: str | os.PathLike[str]) -> Offsets:
    """Read a file of offsets.

    Raises
    ------
    NotFoundError
        When the file does not exist.
    FormatError
        When the file holds no offsets, or is damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(
            f"{path}: no such offsets file",
            remedy="measure them" + _how(),
        )
    try:
        document = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise FormatError(f"{path}: not a JSON file ({error})") from None
    if not isinstance(document, dict) or document.get("kind") not in (KIND, KIND_BEFORE):
        raise FormatError(f"{path} holds no offsets", f'"kind" is "{KIND}"')
    if document.get("version") != VERSION:
        raise FormatError(f"{path} has version {document.get('version')}", f"this software reads {VERSION}")
    try:
        points = document["keypoints"]
        shape = Shape(
            keypoints=tuple(points),
            points=_pairs([point["typical"] for point in points.values()]),
            axis=str(document["shape"]["axis"]),
            mirrored=bool(document["shape"]["mirrored"]),
        )
        values = _pairs([point["offset"] for point in points.values()])
        limits = [point["interval"] or [[None, None]] * 2 for point in points.values()]
        intervals = np.array(limits, dtype=float).reshape(-1, 2, 2)
        table = {str(user): str(model) for user, model in document["table"].items()}
        if not np.isfinite(values).all() or not set(table.values()) <= set(points):
            raise ValueError("offsets are numbers, and the table names keypoints of the model")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{path}: damaged offsets ({error!r})", remedy="measure them again") from None
    return Offsets(
        shape, values, intervals, table, str(document["model"]), str(document["weights"]), document["facts"]
    )


def as_offsets(given: Offsets | str | os.PathLike[str] | None) -> Offsets | None:
    """Return offsets given as an object or a file, or None."""
    return given if given is None or isinstance(given, Offsets) else load_offsets(given)


def _how(options: str = "") -> str:
    """Return the instruction for measuring offsets, for a remedy."""
    return by_caller(" with superanimal.measure_offsets", f": superanimal match LABELS{options} --offsets")


def _numbers(values: np.ndarray) -> list[float | None]:
    """Return numbers as JSON values, with NaN as null."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _pairs(values: list[Any]) -> np.ndarray:
    return np.array(values, dtype=float).reshape(len(values), 2)
