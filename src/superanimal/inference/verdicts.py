"""How the exported form of a model compares with torch on this computer: found once, and kept.

File and verdict lie in the cache folder of the user (``SUPERANIMAL_CACHE`` names another one), one for each
weight file, and hold for the versions of the libraries and the processor they were found with.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.errors import ModelError
from superanimal.files import atomic_write
from superanimal.zoo.exported import BACKEND, Session, threads
from superanimal.zoo.finding import Found
from superanimal.zoo.openvino_session import OPENVINO, REDUCED, OpenvinoSession, usable

if TYPE_CHECKING:
    from superanimal.zoo import DetectorModel, PoseModel

log = logging.getLogger(__name__)

TORCH = "torch"
EQUAL_PX = 0.01
"""Decoded keypoints in single precision are taken as equal up to this difference, in crop pixels."""
CLOSE = 1e-3
"""Outputs are taken as equal up to this difference, in standard deviations of the output."""
_FORMAT = 2
"""Counts changes of how models are exported."""
_TIMED = 3
"""Runs of each backend when they are timed; the quickest counts."""


@dataclass(frozen=True)
class Trial:
    """How one backend runs a model, compared with torch.

    Attributes
    ----------
    differences
        Largest difference of an output, in its standard deviations.
    pixels
        Largest difference of a decoded keypoint, in crop pixels.
    ms
        Milliseconds per picture.
    problem
        Why it does not run; empty when it does.
    """

    differences: float = 0.0
    pixels: float = 0.0
    ms: float = 0.0
    problem: str = ""

    def holds(self, backend: str) -> bool:
        """Whether it runs and, unless it rounds, with the numbers of torch."""
        if backend == REDUCED:  # judged by its error against labels, see ``reduced`` of the entry
            return not self.problem
        return not self.problem and self.pixels <= EQUAL_PX and self.differences <= CLOSE

    def sentence(self, backend: str) -> str:
        """Describe the trial, or what is wrong with it."""
        if self.problem:
            return self.problem
        if not self.holds(backend):
            return f"keypoints {self.pixels:.2g} px off, outputs {self.differences:.2g} standard deviations"
        if backend == REDUCED:
            return f"{self.ms:.1f} ms, rounded"
        return f"{self.ms:.1f} ms, keypoints within {self.pixels:.1g} px"


@dataclass(frozen=True)
class Verdict:
    """How a model runs on this computer.

    Attributes
    ----------
    torch_ms
        Milliseconds per picture in torch.
    trials
        Of each other backend, by name.
    problem
        Why it was not exported; empty when it was.
    """

    torch_ms: float = 0.0
    trials: Mapping[str, Trial] = field(default_factory=dict)
    problem: str = ""

    def best(self, reduced: tuple[str, ...] = ()) -> str:
        """Return the fastest backend with the numbers of torch; :data:`REDUCED` only when named."""
        times = {TORCH: self.torch_ms}
        for name, trial in self.trials.items():
            if trial.holds(name) and (name != REDUCED or name in reduced):
                times[name] = trial.ms
        return min(times, key=lambda name: times[name])


def cache_folder() -> Path:
    """Return the folder of exported models (not created here)."""
    named = os.environ.get("SUPERANIMAL_CACHE")
    if named:
        return Path(named).expanduser() / "exported"
    from platformdirs import user_cache_path

    return user_cache_path("superanimal", appauthor=False) / "exported"


def exported_file(found: Found) -> Path:
    """Return where the ONNX file of a model lies after :func:`prepare`."""
    return _folder(found) / "model.onnx"


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
                known[here] = _judge(found, folder / "model.onnx")
                with atomic_write(folder / "verdicts.json") as temporary:
                    plain = {place: asdict(verdict) for place, verdict in known.items()}
                    temporary.write_text(json.dumps(plain, indent=1), "utf-8")
    except OSError as error:
        return Verdict(problem=f"{folder} cannot be written ({error})")
    except MemoryError:
        return Verdict(problem="there is not enough memory to export it")
    return known[here]


def _folder(found: Found) -> Path:
    """Return where the export of a model lies: another network, or other weights, lie elsewhere."""
    entry = found.entry
    parts = [_FORMAT, found.sha256, entry.architecture, entry.options, entry.mean, entry.std]
    key = hashlib.sha256(json.dumps([*parts, entry.input_size, entry.outputs]).encode()).hexdigest()
    return cache_folder() / f"{entry.kind}-{key[:24]}"


def _read(folder: Path) -> dict[str, Verdict]:
    """Return the verdicts by computer; none where the file of the model is missing or they are damaged."""
    try:
        known = json.loads((folder / "verdicts.json").read_text("utf-8"))
        verdicts = {here: _verdict(**each) for here, each in known.items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return {}
    there = (folder / "model.onnx").is_file()
    return {here: each for here, each in verdicts.items() if each.problem or there}


def _verdict(torch_ms: float, trials: dict[str, Any], problem: str) -> Verdict:
    return Verdict(torch_ms, {name: Trial(**trial) for name, trial in trials.items()}, problem)


@cache
def _here() -> str:
    """Return what a verdict holds for: versions, processor and threads."""
    processor = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.is_file():
        lines = described.read_text().splitlines()
        kind = [line for line in lines if line.startswith(("model name", "flags"))][:2]
        processor = hashlib.sha256("\n".join(kind).encode()).hexdigest()[:12]
    libraries = ", ".join(f"{name} {_version(name)}" for name in (TORCH, BACKEND, OPENVINO))
    return f"{libraries}, {processor}, {threads()} threads"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _judge(found: Found, file: Path) -> Verdict:
    """Export a model, compare all ways to run it with torch and time them."""
    from superanimal.inference.onnx_export import compare, export_onnx, pictures_for
    from superanimal.zoo.load import load_found

    model = load_found(found)
    try:
        if not file.is_file():
            export_onnx(model, file)
    except (OSError, MemoryError):  # may go well another time
        raise
    except Exception as error:  # whatever the exporter cannot do, torch can
        return Verdict(problem=_said(error))
    images = pictures_for(model, 4)
    runs: dict[str, Callable[[], object]] = {TORCH: lambda: _run_torch(model, images)}
    trials: dict[str, Trial] = {}
    for name in (BACKEND, *usable()):
        if name == REDUCED and found.entry.kind == "detector":  # it loses animals
            continue
        try:
            session = open_session(file, name)
            differences, pixels = compare(model, session, images)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            trials[name] = Trial(problem=_said(error))
            continue
        trials[name] = Trial(max(differences.values()), pixels)
        runs[name] = lambda session=session: session(images)  # type: ignore[misc]
    ms = {name: 1e3 * seconds / len(images) for name, seconds in _times(runs).items()}
    timed = {
        name: Trial(trial.differences, trial.pixels, ms.get(name, 0.0), trial.problem)
        for name, trial in trials.items()
    }
    return Verdict(ms[TORCH], timed)


def open_session(file: Path, backend: str) -> Session | OpenvinoSession:
    """Open an ONNX file in a backend other than torch; nothing is written beside a file of the user."""
    if backend == BACKEND:
        return Session(file)
    ours = file.is_relative_to(cache_folder())
    return OpenvinoSession(file, backend, file.parent / "compiled" if ours else None)


def _said(error: Exception) -> str:
    """Return the first line of what an error says."""
    text = error.problem if isinstance(error, ModelError) else str(error)
    return text.partition("\n")[0] or type(error).__name__


def _run_torch(model: PoseModel | DetectorModel, images: np.ndarray) -> None:
    """Run a network on canvases (B, H, W, 3) as large as itself takes them."""
    from superanimal.zoo import PoseModel

    if isinstance(model, PoseModel):
        model.heads(images)
    else:
        model.detect(list(images), max(images.shape[1:3]))


def _times(runs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the shortest time in seconds of each function, called in turn."""
    best = dict.fromkeys(runs, np.inf)
    for _ in range(_TIMED):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - began)
    return best
