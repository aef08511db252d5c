"""The options of an analysis, checked before any model is loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from superanimal.errors import InputError, NotFoundError, unknown_name
from superanimal.inference.backends import BACKENDS
from superanimal.inference.settings import MODES, parse_frames, parse_scales
from superanimal.zoo.catalog import load_catalog

if TYPE_CHECKING:
    import numpy as np

    from superanimal.inference.backends import BoxNetwork
    from superanimal.poses.offsets import Offsets


class NetworkOptions(TypedDict, total=False):
    """Options of :class:`superanimal.inference.Analyzer` that are not about files, documented there."""

    detector: str | os.PathLike[str] | BoxNetwork | None
    max_individuals: int
    mode: str
    device: str
    batch_size: int | None
    precision: str
    backend: str
    roi: tuple[int, int, int, int] | None
    detector_threshold: float | None
    nms: float | None
    detector_every: int | None
    refine: bool | None
    whole_frame: bool
    scales: str | float | Sequence[float] | None
    flip: bool
    scale_list: Sequence[float] | None
    track: bool
    offsets: Offsets | str | os.PathLike[str] | None
    accept_license: bool


class AnalyzerOptions(NetworkOptions, total=False):
    """Keyword arguments of :class:`superanimal.inference.Analyzer` other than the model, documented there."""

    frames: str | slice | None
    boxes: np.ndarray | str | os.PathLike[str] | None
    out: str | os.PathLike[str] | None
    formats: Sequence[str]
    scorer: str | None
    overlay: bool
    pcutoff: float
    trails: int
    resume: bool


OPTIONS = frozenset(("model", *AnalyzerOptions.__annotations__))
"""Names of the arguments of :class:`superanimal.inference.Analyzer`."""
AUTO = "auto"
"""Name that stands for the embedded model that suits the video."""
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def check_options(options: Mapping[str, Any], total: int) -> None:
    """Raise for options that are invalid for any model, without importing torch.

    Parameters
    ----------
    options
        Keyword arguments of :class:`superanimal.inference.Analyzer`, models by name or path.
    total
        Number of frames of the video.

    Raises
    ------
    NotFoundError
        There is no such option, model, detector or file.
    InputError
        A value breaks a rule.
    """
    for name in options:
        if name not in OPTIONS:
            raise unknown_name("option", name, sorted(OPTIONS))
    given = {name: value for name, value in options.items() if value is not None}
    parse_frames(given.get("frames"), total)
    parse_scales(given.get("scales"))
    for name in ("max_individuals", "detector_every", "batch_size"):
        value = given.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{name} is {value!r}", rule="it must be a whole number of at least 1")
    for name in ("detector_threshold", "nms", "pcutoff"):
        value = given.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise InputError(f"{name} is {value!r}", rule="it must lie in 0..1")
    if given.get("mode", "enhanced") not in MODES:
        raise InputError(f"unknown mode {given['mode']!r}", remedy=f"use {' or '.join(MODES)}")
    if given.get("backend", "auto") not in BACKENDS:
        raise InputError(f"unknown backend {given['backend']!r}", remedy=f"use one of {', '.join(BACKENDS)}")
    device = given.get("device", "auto")
    if not isinstance(device, str) or not DEVICE.fullmatch(device):
        raise InputError(f"unknown device {device!r}", remedy="use auto, cpu, cuda, cuda:0, ... or mps")
    sources: list[str] = [name for name in ("detector", "boxes") if name in given]
    sources += ["whole_frame"] if given.get("whole_frame") else []
    if len(sources) > 1:
        raise InputError(f"{' and '.join(sources)} were given", rule="choose one")
    for name in ("model", "detector"):
        if name in given:
            _check_model(name, given[name], detectors_of=given.get("model") if name == "detector" else None)
    for name in ("boxes", "offsets"):
        value = given.get(name)
        if isinstance(value, (str, os.PathLike)) and not Path(value).expanduser().is_file():
            raise NotFoundError(f"{name}: {value} is not a file")


def _check_model(kind: str, name: Any, detectors_of: Any = None) -> None:
    """Raise unless a name is in the catalogue or a path exists."""
    if not isinstance(name, (str, os.PathLike)):
        raise InputError(f"{kind} is {name!r}", "give its name or the path of its file or folder")
    catalog = load_catalog()
    if kind == "model" and name == AUTO:
        return
    if os.fspath(name) in catalog or Path(name).expanduser().exists():
        return
    wanted = "pose" if kind == "model" else "detector"
    names = [entry.name for entry in catalog.of_kind(wanted)]
    if detectors_of in catalog:
        names = list(catalog[detectors_of].detectors)
        if any(full.endswith(f"_{name}") for full in names):
            return
    raise unknown_name(kind, os.fspath(name), names)
