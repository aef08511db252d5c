"""What runs the networks: torch, or onnxruntime or OpenVINO where they give the same numbers sooner.

A model that is used on the CPU for the first time is exported to ONNX (seconds), compared with torch on the
same pictures, and all are timed, see :mod:`superanimal.inference.verdicts`. From then on an analysis needs
neither torch nor timm.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from superanimal.errors import InputError, ModelError, option
from superanimal.inference.verdicts import (
    CLOSE,
    EQUAL_PX,
    TORCH,
    Trial,
    Verdict,
    exported_file,
    open_session,
    prepare,
)
from superanimal.zoo.exported import BACKEND, ExportedDetector, ExportedPose
from superanimal.zoo.exported_files import read_exported
from superanimal.zoo.finding import find_model
from superanimal.zoo.openvino_session import OPENVINO, REDUCED, check_installed

if TYPE_CHECKING:
    from superanimal.zoo import DetectorModel, HeadSpec, ModelEntry, PoseModel

log = logging.getLogger(__name__)

BACKENDS = ("auto", TORCH, BACKEND, OPENVINO, REDUCED)
RUN_BY = {".onnx": (BACKEND, OPENVINO, REDUCED), ".xml": (OPENVINO, REDUCED), ".ts": (TORCH,)}
"""What runs models that a person exported, by the end of the file's name; the first by default."""


class PoseNetwork(Protocol):
    """What an analysis asks of a pose model: ``PoseModel`` or ``ExportedPose``."""

    @property
    def backend(self) -> str:
        """One of :data:`BACKENDS`, never ``"auto"``."""
        ...

    @property
    def entry(self) -> ModelEntry:
        """Its entry in the catalogue."""
        ...

    @property
    def keypoints(self) -> tuple[str, ...]:
        """K names in channel order."""
        ...

    @property
    def head(self) -> HeadSpec:
        """How the raw heads are decoded."""
        ...

    def digest(self) -> str:
        """Return the SHA-256 of its weights."""
        ...

    def heads(self, crops: np.ndarray, precision: str = "fp32") -> Mapping[str, Any]:
        """Return the raw heads of crops (B, H, W, 3) uint8 RGB."""
        ...


class BoxNetwork(Protocol):
    """What an analysis asks of a detector: ``DetectorModel`` or ``ExportedDetector``."""

    @property
    def backend(self) -> str:
        """One of :data:`BACKENDS`, never ``"auto"``."""
        ...

    @property
    def entry(self) -> ModelEntry:
        """Its entry in the catalogue."""
        ...

    def digest(self) -> str:
        """Return the SHA-256 of its weights."""
        ...

    def detect(
        self, frames: Sequence[np.ndarray], long_side: int | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return boxes (n, 4) xyxy and scores (n,) of each frame (H, W, 3) uint8 RGB."""
        ...

    def seen_size(self, size: tuple[int, int]) -> int:
        """Return the long side in pixels at which the network sees a frame (height, width)."""
        ...


def allowed(backend: str, device: str, precision: str, *, exact: bool) -> str:
    """Return the backend to use: ``"auto"`` only where there is a choice.

    Parameters
    ----------
    exact
        Compatible mode, which is torch's number for number.

    Raises
    ------
    InputError
        When there is no such backend, or it cannot run as the options say.
    """
    if backend not in BACKENDS:
        raise InputError(f"unknown backend {backend!r}", remedy=f"use one of {', '.join(BACKENDS)}")
    fits = device == "cpu" and precision == "fp32"
    if backend not in ("auto", TORCH) and not fits:
        raise InputError(
            f"backend {backend} on {device} in {precision}",
            "it runs on the CPU, and its name says its precision",
            f"leave it on auto, or choose that device and precision{option('device', repr('cpu'))}",
        )
    if backend in (OPENVINO, REDUCED):
        check_installed(backend)
    return backend if backend != "auto" or (fits and not exact) else TORCH


def open_pose(
    name: str | os.PathLike[str], device: str, backend: str, *, rounded: bool = True
) -> PoseModel | ExportedPose:
    """Load a pose model by name or path for an analysis.

    Parameters
    ----------
    backend
        From :func:`allowed`.
    rounded
        Whether ``"auto"`` may take a backend that rounds, for models whose error against labels is known not
        to rise by it (``reduced`` of the entry).

    Raises
    ------
    ModelError
        When a backend was asked for that does not run this model, or the weights are missing or damaged.
    """
    opened = _exported(name, "pose", backend, rounded)
    if isinstance(opened, ExportedPose):
        return opened
    from superanimal.zoo import load_model  # it imports torch

    return load_model(name, device)


def open_detector(
    name: str | os.PathLike[str], device: str, backend: str
) -> DetectorModel | ExportedDetector:
    """Load a detector by name or path for an analysis; as :func:`open_pose`, but it never rounds."""
    opened = _exported(name, "detector", OPENVINO if backend == REDUCED else backend, False)
    if isinstance(opened, ExportedDetector):
        return opened
    from superanimal.zoo import load_detector  # it imports torch

    return load_detector(name, device)


def _exported(
    name: str | os.PathLike[str], kind: str, backend: str, rounded: bool
) -> ExportedPose | ExportedDetector | None:
    """Return a model for another backend than torch; None when torch is to run it."""
    if Path(name).suffix in RUN_BY and Path(name).expanduser().is_file():
        return _of_file(Path(name).expanduser(), kind, backend)
    found = find_model(name, kind) if backend != TORCH else None
    if found is None:
        return None
    if kind == "detector" and found.entry.num_classes:  # torchvision's are not exported
        return None
    verdict = prepare(found)
    if backend == "auto":
        backend = verdict.best(found.entry.reduced if rounded else ())
        if backend == TORCH:
            log.info("%s runs in torch (%s)", found.entry.name, verdict.problem or "the fastest here")
            return None
    elif why := _refusal(verdict, backend):
        raise ModelError(
            f"{found.entry.name} does not run in {backend}: {why}",
            f"its keypoints must be torch's to {EQUAL_PX} px, its outputs to {CLOSE} of their spread",
            f"leave the backend on auto{option('backend', repr('auto'), '--backend auto')}",
        )
    made = ExportedPose if kind == "pose" else ExportedDetector
    return made(found.entry, open_session(exported_file(found), backend), found.sha256)


def _refusal(verdict: Verdict, backend: str) -> str:
    """Return why a model does not run in a backend here; empty when it does."""
    if verdict.problem:
        return verdict.problem
    if backend in (OPENVINO, REDUCED):
        check_installed(backend)  # a run may have begun where it was
    trial = verdict.trials.get(backend, Trial(problem="this processor does not compute in bfloat16"))
    return "" if trial.holds(backend) else trial.sentence(backend)


def _of_file(path: Path, kind: str, backend: str) -> ExportedPose | ExportedDetector:
    """Return a model that a person exported."""
    opened = read_exported(path)
    if opened.entry.kind != kind:
        raise ModelError(f"{path} is a {opened.entry.kind} model", f"a {kind} model is needed here")
    runs = RUN_BY[path.suffix]
    if backend not in ("auto", *runs):
        raise InputError(
            f"{path} in {backend}",
            f"a file {path.suffix} runs in {' or '.join(runs)}, on the CPU",
            "name the model it was exported from instead",
        )
    if backend not in ("auto", runs[0]):
        opened.session = open_session(path, OPENVINO if kind == "detector" else backend)
    return opened
