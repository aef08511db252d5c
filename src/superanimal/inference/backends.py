"""What runs the networks: torch, or onnxruntime where it gives the same numbers sooner.

A model that is used on the CPU for the first time is exported to ONNX (seconds), compared with torch on the
same pictures, and both are timed. File and verdict are kept in the cache folder of the user
(``SUPERANIMAL_CACHE`` names another one), one for each weight file, and hold for the versions of both
libraries and the processor they were found with. From then on an analysis needs neither torch nor timm.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from superanimal.errors import InputError, ModelError, option
from superanimal.files import atomic_write
from superanimal.zoo.exported import (
    BACKEND,
    ExportedDetector,
    ExportedPose,
    Session,
    read_exported,
    threads,
)
from superanimal.zoo.finding import Found, find_model

if TYPE_CHECKING:
    from superanimal.zoo import DetectorModel, HeadSpec, ModelEntry, PoseModel

log = logging.getLogger(__name__)

TORCH = "torch"
BACKENDS = ("auto", TORCH, BACKEND)
EQUAL_PX = 0.01
"""Decoded keypoints in single precision are taken as equal up to this difference, in crop pixels."""
CLOSE = 1e-3
"""Outputs are taken as equal up to this difference, in standard deviations of the output."""
_FORMAT = 1
"""Counts changes of how models are exported."""
_TIMED = 3
"""Runs of each backend when they are timed; the quickest counts."""


class PoseNetwork(Protocol):
    """What an analysis asks of a pose model: ``PoseModel`` or ``ExportedPose``."""

    @property
    def backend(self) -> str:
        """``"torch"`` or ``"onnxruntime"``."""
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
        """``"torch"`` or ``"onnxruntime"``."""
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


@dataclass(frozen=True)
class Verdict:
    """How an exported model compares with torch on this computer.

    Attributes
    ----------
    differences
        Largest difference of an output, in its standard deviations.
    pixels
        Largest difference of a decoded keypoint, in crop pixels.
    torch_ms, exported_ms
        Milliseconds per picture.
    problem
        Why it does not run; empty when it does.
    """

    differences: float = 0.0
    pixels: float = 0.0
    torch_ms: float = 0.0
    exported_ms: float = 0.0
    problem: str = ""

    @property
    def equal(self) -> bool:
        """Whether the numbers are the same."""
        return not self.problem and self.pixels <= EQUAL_PX and self.differences <= CLOSE

    @property
    def sentence(self) -> str:
        """What keeps it from running."""
        if self.problem:
            return self.problem
        if not self.equal:
            return f"keypoints {self.pixels:.2g} px off, outputs {self.differences:.2g} standard deviations"
        return f"{self.exported_ms:.1f} ms a picture, torch {self.torch_ms:.1f}"

    @property
    def chosen(self) -> bool:
        """Whether the exported model is used by default."""
        return self.equal and self.exported_ms < self.torch_ms


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
    if backend == BACKEND and not fits:
        raise InputError(
            f"backend {BACKEND} on {device} in {precision}",
            "it runs on the CPU in fp32",
            f"leave it on auto, or choose that device and precision{option('device', repr('cpu'))}",
        )
    return backend if backend != "auto" or (fits and not exact) else TORCH


def open_pose(name: str | os.PathLike[str], device: str, backend: str) -> PoseModel | ExportedPose:
    """Load a pose model by name or path for an analysis.

    Parameters
    ----------
    backend
        From :func:`allowed`.

    Raises
    ------
    ModelError
        When onnxruntime was asked for and does not run this model, or the weights are missing or damaged.
    """
    opened = _exported(name, "pose", backend)
    if isinstance(opened, ExportedPose):
        return opened
    from superanimal.zoo import load_model  # it imports torch

    return load_model(name, device)


def open_detector(
    name: str | os.PathLike[str], device: str, backend: str
) -> DetectorModel | ExportedDetector:
    """Load a detector by name or path for an analysis; as :func:`open_pose`."""
    opened = _exported(name, "detector", backend)
    if isinstance(opened, ExportedDetector):
        return opened
    from superanimal.zoo import load_detector  # it imports torch

    return load_detector(name, device)


def _exported(
    name: str | os.PathLike[str], kind: str, backend: str
) -> ExportedPose | ExportedDetector | None:
    """Return a model for onnxruntime; None when torch is to run it."""
    if Path(name).suffix == ".onnx" and Path(name).expanduser().is_file():
        return _of_file(Path(name).expanduser(), kind, backend)
    found = find_model(name, kind) if backend != TORCH else None
    if found is None:
        return None
    if kind == "detector" and found.entry.num_classes:  # torchvision's are not exported
        return None
    verdict = prepare(found)
    if not (verdict.chosen if backend == "auto" else verdict.equal):
        why = verdict.sentence
        if backend == BACKEND:
            raise ModelError(
                f"{found.entry.name} does not run in {BACKEND}: {why}",
                f"its keypoints must be torch's to {EQUAL_PX} px, its outputs to {CLOSE} of their spread",
                f"leave the backend on auto{option('backend', repr('auto'), '--backend auto')}",
            )
        log.info("%s runs in torch (%s: %s)", found.entry.name, BACKEND, why)
        return None
    made = ExportedPose if kind == "pose" else ExportedDetector
    return made(found.entry, Session(_folder(found) / "model.onnx"), found.sha256)


def _of_file(path: Path, kind: str, backend: str) -> ExportedPose | ExportedDetector:
    """Return the model of an ONNX file that a person exported."""
    opened = read_exported(path)
    if opened.entry.kind != kind:
        raise ModelError(f"{path} is a {opened.entry.kind} model", f"a {kind} model is needed here")
    if backend == TORCH:
        raise InputError(
            f"{path} in torch",
            f"an ONNX file runs in {BACKEND}, on the CPU in fp32",
            "name the model it was exported from instead",
        )
    return opened


def cache_folder() -> Path:
    """Return the folder of exported models (not created here)."""
    named = os.environ.get("SUPERANIMAL_CACHE")
    if named:
        return Path(named).expanduser() / "exported"
    from platformdirs import user_cache_path

    return user_cache_path("superanimal", appauthor=False) / "exported"


def prepare(found: Found) -> Verdict:
    """Return the verdict on a model, after exporting and timing it if there is none for this computer."""
    from filelock import FileLock

    folder, here = _folder(found), _here()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            known = _read(folder)
            if here not in known:
                log.info("%s: exporting it for %s, once", found.entry.name, BACKEND)
                known[here] = asdict(_judge(found, folder / "model.onnx"))
                with atomic_write(folder / "verdicts.json") as temporary:
                    temporary.write_text(json.dumps(known, indent=1), "utf-8")
    except OSError as error:
        return Verdict(problem=f"{folder} cannot be written ({error})")
    except MemoryError:
        return Verdict(problem="there is not enough memory to export it")
    return Verdict(**known[here])


def _folder(found: Found) -> Path:
    """Return where the export of a model lies: another network, or other weights, lie elsewhere."""
    entry = found.entry
    parts = [_FORMAT, found.sha256, entry.architecture, entry.options, entry.mean, entry.std]
    key = hashlib.sha256(json.dumps([*parts, entry.input_size, entry.outputs]).encode()).hexdigest()
    return cache_folder() / f"{entry.kind}-{key[:24]}"


def _read(folder: Path) -> dict[str, Any]:
    """Return the verdicts by computer; none where the file of the model is missing or they are damaged."""
    try:
        known = json.loads((folder / "verdicts.json").read_text("utf-8"))
        return {
            here: each
            for here, each in known.items()
            if Verdict(**each).problem or (folder / "model.onnx").is_file()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


@cache
def _here() -> str:
    """Return what a verdict holds for: versions, processor and threads."""
    processor = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.is_file():
        lines = described.read_text().splitlines()
        kind = [line for line in lines if line.startswith(("model name", "flags"))][:2]
        processor = hashlib.sha256("\n".join(kind).encode()).hexdigest()[:12]
    return f"torch {version('torch')}, onnxruntime {version('onnxruntime')}, {processor}, {threads()} threads"


def _judge(found: Found, file: Path) -> Verdict:
    """Export a model, compare it with torch and time both."""
    from superanimal.inference.onnx_export import compare, export_onnx, pictures_for
    from superanimal.zoo.load import load_found

    model = load_found(found)
    try:
        if not file.is_file():
            export_onnx(model, file)
        images = pictures_for(model, 4)
        differences, pixels = compare(model, file, images)
        session = Session(file)
        exported_ms, torch_ms = _times(lambda: session(images), lambda: _run_torch(model, images))
    except (OSError, MemoryError):  # may go well another time
        raise
    except Exception as error:  # whatever exporter or onnxruntime cannot do, torch can
        text = error.problem if isinstance(error, ModelError) else str(error)
        return Verdict(problem=text.partition("\n")[0] or type(error).__name__)
    share = 1e3 / len(images)
    return Verdict(max(differences.values()), pixels, torch_ms * share, exported_ms * share)


def _run_torch(model: PoseModel | DetectorModel, images: np.ndarray) -> None:
    """Run a network on canvases (B, H, W, 3) as large as itself takes them."""
    from superanimal.zoo import PoseModel

    if isinstance(model, PoseModel):
        model.heads(images)
    else:
        model.detect(list(images), max(images.shape[1:3]))


def _times(*functions: Callable[[], object]) -> list[float]:
    """Return the shortest time in seconds of each function, called in turn."""
    best = [np.inf] * len(functions)
    for _ in range(_TIMED):
        for i, function in enumerate(functions):
            began = time.perf_counter()
            function()
            best[i] = min(best[i], time.perf_counter() - began)
    return best
