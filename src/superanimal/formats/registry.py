"""All pose formats in one table, and the two functions that use it."""

from __future__ import annotations

import importlib
import inspect
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError, InputError, NotFoundError, option, unknown_name
from superanimal.formats.deeplabcut_project import TABLE
from superanimal.formats.describe import unknown_file
from superanimal.formats.guard import reading
from superanimal.formats.loss import LossWarning
from superanimal.formats.recognise import recognise
from superanimal.poses import has_own_times, require_pixels, validate_poses

_ALL = frozenset(
    {
        "z", "confidence", "frames", "fps", "times", "image", "edited", "boxes", "visibility", "provenance",
        "other",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes
    ----------
    name, title
        Short identifier, and the name shown to people.
    suffixes
        File name endings that select it when saving, most common first.
    module, reader, writer
        Where the functions are; writer is empty for formats that are only read.
    keeps
        What is preserved besides positions and names, see docs/formats.md.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    module: str
    reader: str = "read"
    writer: str = "write"
    keeps: frozenset[str] = frozenset()

    def function(self, name: str) -> Callable[..., Any]:
        """Return a function of the format's module, importing it."""
        return getattr(importlib.import_module(f"superanimal.formats.{self.module}"), name)


def _keeps(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FORMATS = (
    Format(
        "dlc-h5", "DeepLabCut h5", (".h5", ".hdf5"), "deeplabcut", "read_h5", "write_h5",
        _keeps("confidence frames fps edited boxes provenance"),
    ),
    Format(
        "dlc-csv", "DeepLabCut csv", (".csv",), "deeplabcut", "read_csv", "write_csv",
        _keeps("confidence frames fps provenance"),
    ),
    Format("dlc-labels", "DeepLabCut labels", (), "deeplabcut_labels", keeps=_keeps("image fps provenance")),
    Format("dlc-pickle", "DeepLabCut pickle", (), "deeplabcut_pickles", writer=""),
    Format("superanimal-json", "DeepLabCut SuperAnimal json", (), "superanimal_json", writer=""),
    Format("movement", "movement netCDF", (".nc",), "movement", keeps=_ALL),
    Format(
        "csv", "tidy csv", (), "tables", "read_csv", "write_csv",
        _keeps("z times confidence frames fps image edited boxes provenance"),
    ),
    Format(
        "parquet", "tidy Parquet", (".parquet",), "tables", "read_parquet", "write_parquet",
        _keeps("z times confidence frames fps image edited boxes provenance"),
    ),
    Format(
        "coco", "COCO keypoints", (".json",), "coco",
        keeps=_keeps("confidence frames fps image boxes visibility provenance"),
    ),
    Format(
        "slp", "SLEAP project", (".slp",), "sleap", "read_slp", "write_slp",
        _keeps("confidence frames fps edited provenance"),
    ),
    Format(
        "sleap-analysis-h5", "SLEAP analysis h5", (".analysis.h5",), "sleap",
        "read_analysis", "write_analysis",
        _keeps("confidence frames fps provenance"),
    ),
    Format(
        "nwb", "NWB ndx-pose", (".nwb",), "nwb", keeps=_keeps("z times confidence frames fps provenance")
    ),
    Format(
        "nwb-per-animal", "NWB ndx-pose, one file per animal", (), "nwb", writer="write_each",
        keeps=_keeps("z times confidence frames fps provenance"),
    ),
    Format(
        "lightning-pose", "Lightning Pose csv", (), "lightning_pose",
        keeps=_keeps("confidence frames fps provenance"),
    ),
    Format("array", "numbers without names", (), "arrays", writer=""),
    Format("superanimal-zarr", "analysis run", (), "run_store", writer="", keeps=_ALL),
)  # fmt: skip


def format_names(*, writable: bool = False) -> list[str]:
    """Return the names of all formats, or only of those that can be written."""
    return [f.name for f in _FORMATS if f.writer or not writable]


def get_format(name: str) -> Format:
    """Return a format by name.

    Raises
    ------
    NotFoundError
        When there is none of that name.
    """
    for known in _FORMATS:
        if known.name == name:
            return known
    raise unknown_name("pose format", name, format_names())


def load_poses(
    path: str | os.PathLike[str],
    format: str | None = None,
    *,
    fps: float | None = None,
    space: int = 2,
    **options: Any,
) -> xr.Dataset:
    """Read a pose file.

    Parameters
    ----------
    path
        File, or folder of an analysis run.
    format
        Name of the format; by default recognised by content.
    fps
        Frames per second, for files that do not state it.
    space
        3 keeps ``z`` where the file has it; 2 drops it with a warning.
    options
        Options of the format's reader, see docs/formats.md.

    Returns
    -------
    xarray.Dataset
        See docs/poses.md.

    Raises
    ------
    NotFoundError
        No such file, or no such format.
    FormatError
        The file is not recognised or damaged.

    Examples
    --------
    >>> from superanimal.samples import sample_path
    >>> poses = load_poses(sample_path("topview_mouse_truth.h5"))
    >>> dict(poses["position"].sizes)
    {'time': 300, 'space': 2, 'keypoint': 27, 'individual': 1}
    >>> poses["position"].sel(keypoint="nose", individual="animal0").values.shape
    (300, 2)
    """
    if space not in (2, 3):
        raise InputError(f"space={space!r}", "poses have 2 or 3 coordinates")
    if not Path(path).exists():
        raise NotFoundError(f"{path}: no such file")
    name = format or recognise(path)
    if name is None:
        raise unknown_file(path, f"readable as poses are {', '.join(format_names())}")
    chosen = get_format(name)
    reader = chosen.function(chosen.reader)
    _check_options(reader, name, options)
    with reading(path, chosen.title):
        ds = reader(Path(path), **options)
    ds = _in_order(_in_space(ds, space, path))
    return ds if fps is None else with_fps(ds, fps)


def save_poses(
    ds: xr.Dataset, path: str | os.PathLike[str], format: str | None = None, **options: Any
) -> list[Path]:
    """Write a pose data set; the file appears whole or not at all.

    One :class:`LossWarning` lists what the format cannot hold, another the individuals without any point,
    which are left out (except in labels: a project lists all its individuals).

    Parameters
    ----------
    path
        Target file.
    format
        Name of the format; by default derived from the ending of ``path`` (``.h5`` dlc-h5, ``.csv`` dlc-csv,
        ``.nc`` movement, ...; ``CollectedData_*`` dlc-labels).
    options
        Options of the format's writer, see docs/formats.md.

    Returns
    -------
    list of Path
        Every file written.

    Raises
    ------
    FormatError
        The format cannot hold the data set at all.
    StorageError
        The disk is full or the folder not writable.

    Examples
    --------
    >>> from superanimal.samples import sample_path
    >>> poses = load_poses(sample_path("topview_mouse_truth.h5"))
    >>> [path.name for path in save_poses(poses, "mouse.csv")]
    ['mouse.csv', 'mouse.csv.provenance.json']
    >>> [path.name for path in save_poses(poses, "mouse.nc")]
    ['mouse.nc']
    """
    chosen = format_for(path, format)
    if not chosen.writer:
        raise FormatError(
            f"{path}: {chosen.name} is only read", f"writable are {', '.join(format_names(writable=True))}"
        )
    writer = chosen.function(chosen.writer)
    _check_options(writer, chosen.name, options)
    if "z" not in chosen.keeps:
        require_pixels(ds, chosen.title)
    ds, unseen = seen_only(validate_poses(ds), chosen)
    if unseen:
        warnings.warn(
            f"{Path(path).name}: individuals without any point, left out: {', '.join(unseen)}",
            LossWarning,
            stacklevel=2,
        )
    if lost := what_is_lost(ds, chosen):
        warnings.warn(f"{chosen.name} cannot hold: {', '.join(lost)}", LossWarning, stacklevel=2)
    return writer(ds, Path(path), **options)


def format_for(path: str | os.PathLike[str], format: str | None = None) -> Format:
    """Return the format that :func:`save_poses` writes: the named one, else that of the file's name."""
    return get_format(format) if format else _by_name(Path(path))


def seen_only(ds: xr.Dataset, chosen: Format) -> tuple[xr.Dataset, list[str]]:
    """Return the data set without the individuals that have no point, and their names.

    An individual with an edit mark or box that the format keeps stays, as does the owner of the unique
    keypoints; if no individual has a point, all stay.
    """
    seen = ds["position"].notnull().any(("time", "space", "keypoint"))
    if "edited" in ds and "edited" in chosen.keeps:
        seen = seen | ds["edited"].any(("time", "keypoint"))
    if "boxes" in ds and "boxes" in chosen.keeps:
        seen = seen | ds["boxes"].notnull().any(("time", "box"))
    if chosen.name == "dlc-labels" or not bool(seen.any()):
        return ds, []
    seen = seen | (ds["individual"] == "single")  # owner of unique keypoints
    unseen = [str(name) for name in ds["individual"].values[~seen.values]]
    return ds.isel(individual=np.flatnonzero(seen.values)), unseen


def what_is_lost(ds: xr.Dataset, chosen: Format) -> list[str]:
    """Return what a data set contains and a format cannot hold."""
    knows = {
        "confidence": bool(np.isfinite(ds["confidence"].values).any()),
        "frames": not np.array_equal(ds["frame"].values, np.arange(ds.sizes["time"])),
        "fps": "fps" in ds.attrs,
        "times": has_own_times(ds),
        "image": "image" in ds.coords,
        "edited": "edited" in ds and bool(ds["edited"].any()),
        "boxes": "boxes" in ds or "box_confidence" in ds,
        "visibility": "visibility" in ds,
        "provenance": ds.attrs.get("provenance", "{}") != "{}",
    }
    if chosen.name == "dlc-labels":  # image names contain the frame numbers; every point was set by a person
        if knows["edited"]:
            knows["edited"] = not bool((ds["edited"] == ds["position"].notnull().all("space")).all())
        knows["frames"] = "image" in ds.coords and not _named_by_frame(ds)
    lost = [what for what, known in knows.items() if known and what not in chosen.keeps]
    if chosen.name == "slp" and knows["edited"]:  # if every point was deleted there is no instance to mark
        present = ds["position"].notnull().all("space").any("keypoint")
        if bool((ds["edited"] & ~present).any()):
            lost.append("marks of deleted animals")
    if "other" not in chosen.keeps:
        lost += sorted(set(map(str, ds.data_vars)) - _VARIABLES)
    return lost


_VARIABLES = {"position", "confidence", "edited", "boxes", "box_confidence", "visibility"}


def _in_space(ds: xr.Dataset, space: int, path: str | os.PathLike[str]) -> xr.Dataset:
    """Return the data set with the requested coordinates, as far as it has them."""
    if ds.sizes["space"] == space:
        return ds
    if space == 3:
        warnings.warn(f"{path}: space=3 was requested, but the file holds only x and y", stacklevel=3)
        return ds
    warnings.warn(
        f"{path}: three-dimensional; z is dropped, leaving the projection onto x and y "
        "(in Python, space=3 keeps z)",
        stacklevel=3,
    )
    return ds.sel(space=["x", "y"])


def _in_order(ds: xr.Dataset) -> xr.Dataset:
    """Return the data set with its frames in order; images keep the order of the file."""
    if "image" in ds.coords or (np.diff(ds["frame"].values) >= 0).all():
        return ds
    return ds.isel(time=np.argsort(ds["frame"].values, kind="stable"))


def with_fps(ds: xr.Dataset, fps: float) -> xr.Dataset:
    """Return the data set with time in seconds at this frame rate."""
    if not (np.isfinite(fps) and fps > 0):
        raise InputError(f"fps is {fps}", "it must be a positive number")
    timed = ds.assign_coords(time=ds["frame"].values / fps)
    return timed.assign_attrs(fps=float(fps), time_unit="seconds")


def _named_by_frame(ds: xr.Dataset) -> bool:
    from superanimal.formats.wide_table import frames_of_images

    frames = frames_of_images([str(image) for image in ds["image"].values])
    return np.array_equal(np.arange(ds.sizes["time"]) if frames is None else frames, ds["frame"].values)


def _by_name(path: Path) -> Format:
    if path.name.startswith(TABLE):
        return get_format("dlc-labels")
    fitting = [
        (len(suffix), known)
        for known in _FORMATS
        for suffix in known.suffixes
        if path.name.lower().endswith(suffix)
    ]
    if not fitting:
        raise FormatError(
            f"{path}: no format has this ending",
            f"writable are {', '.join(format_names(writable=True))}",
            f"name one{option('format')}",
        )
    return max(fitting, key=lambda pair: pair[0])[1]


def _check_options(function: Callable[..., Any], name: str, options: dict[str, Any]) -> None:
    known = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for given in options:
        if given not in known:
            raise InputError(
                f"option {given!r} of format {name}", f"it takes {', '.join(known) or 'no options'}"
            )
