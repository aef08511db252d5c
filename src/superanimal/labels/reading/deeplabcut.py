"""DeepLabCut and Lightning Pose labels: ``CollectedData`` tables and the images beside them.

A project may hold several videos, several scorers, one or more animals (and keypoints that exist once per
image), and folders created by cropping. Coordinates refer to the images as stored, cropped or not.
"""

from __future__ import annotations

import os
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml

from superanimal.errors import FormatError, InputError, SuperAnimalError, option
from superanimal.formats import load_poses
from superanimal.formats.deeplabcut_project import CONFIG, LABELED_DATA, PREFIX, TABLE
from superanimal.formats.text import decode
from superanimal.formats.wide_table import UNIQUE
from superanimal.labels.combine import concatenate
from superanimal.labels.images import ImageRef, safe_join
from superanimal.labels.labelled_set import LabelledSet, from_poses
from superanimal.labels.reading.one_video import on_video
from superanimal.labels.reading.predictions import predicted_confidence, settle


def read(
    path: Path,
    *,
    images: str | os.PathLike[str] | None = None,
    name: str | None = None,
    scorer: str | None = None,
    video: str | os.PathLike[str] | None = None,
    min_confidence: float | None = None,
) -> LabelledSet:
    """Read a project, a folder with ``CollectedData_<scorer>``, or one such file.

    Parameters
    ----------
    images
        Folder in which ``labeled-data/<video>/<image>`` (or just the image) is looked up.
    video
        Video to read the frames from instead of image files, see
        :func:`~superanimal.labels.reading.one_video.on_video`.
    min_confidence
        See :func:`~superanimal.labels.read_labels`; machine labels have a confidence.
    """
    path = path.parent if path.is_dir() and path.name == LABELED_DATA else path
    root = path if path.is_dir() else path.parent
    config = read_config(root) if path.is_dir() or path.name == CONFIG else {}
    if path.is_file() and path.name != CONFIG:
        tables, notes = [path], list[str]()
    else:
        tables, notes = _tables(root, scorer or config.get("scorer"), config, asked=scorer is not None)
    default = tables[0].parent.name if path.is_file() else root.resolve().name
    folder = Path(images) if images else None
    parts = [_read_table(table, folder, name or default, min_confidence) for table in tables]
    order = _names(config) or list(dict.fromkeys(k for part in parts for k in part.keypoints))
    order += [k for k in dict.fromkeys(k for part in parts for k in part.keypoints) if k not in order]
    joined = concatenate(parts, keypoints=order, name=name or default)
    joined = joined.with_columns(notes=tuple(notes) + joined.notes, edges=_edges(config, order))
    return joined if video is None else on_video(joined, video)


def read_config(root: Path) -> dict[str, Any]:
    """Return the ``config.yaml`` of a project; empty when there is none.

    Raises
    ------
    FormatError
        When the file is not YAML.
    """
    file = root / CONFIG
    if not file.is_file():
        return {}
    try:
        config = yaml.safe_load(decode(file.read_bytes())[0])
    except yaml.YAMLError as error:
        raise FormatError(f"{file}: not a YAML text file ({error})") from error
    return config if isinstance(config, dict) else {}


def _names(config: dict[str, Any]) -> list[str]:
    """Return the keypoints listed in a config, in order."""
    single = config.get("bodyparts")
    names = list(single) if isinstance(single, list) else []
    if config.get("multianimalproject"):
        names = [*(config.get("multianimalbodyparts") or []), *(config.get("uniquebodyparts") or [])]
    return list(dict.fromkeys(map(str, names)))


def _tables(
    root: Path, scorer: str | None, config: dict[str, Any], *, asked: bool
) -> tuple[list[Path], list[str]]:
    """Return one table per image folder, and notes on what was left out."""
    base = root / LABELED_DATA if (root / LABELED_DATA).is_dir() else root
    if any(root.glob(f"{TABLE}*")):
        folders = [root]
    else:
        folders = sorted(folder for folder in base.iterdir() if folder.is_dir()) if base.is_dir() else []
    videos = {Path(str(video).replace("\\", "/")).stem for video in config.get("video_sets") or {}}
    tables, notes = [], []
    for folder in folders:
        found = _by_scorer(folder)
        if not found or folder.name.endswith("_labeled"):
            continue
        if f"{folder.name}_cropped" in videos and folder.name not in videos:
            notes.append(f"{folder.name}: left out, the project uses {folder.name}_cropped")
            continue
        if scorer in found:
            tables.append(found[str(scorer)])
        elif len(found) == 1 and not asked:
            tables.append(next(iter(found.values())))
        else:
            raise InputError(
                f"{folder}: labels of {', '.join(sorted(found))}, none of {scorer!r}",
                "one person's labels are read at a time",
                f"choose one, such as {sorted(found)[0]}{option('scorer')}",
            )
        if others := sorted(set(found) - {tables[-1].stem.removeprefix(PREFIX)}):
            notes.append(f"{folder.name}: labels of {', '.join(others)} were not read")
    if not tables:
        raise FormatError(
            f"{root}: no table {PREFIX}<scorer>.h5 or .csv",
            f"labels of a DeepLabCut project are in {LABELED_DATA}/<video>/",
            "label some frames first, or give the folder that holds the table",
        )
    return tables, notes


def _by_scorer(folder: Path) -> dict[str, Path]:
    """Return the tables of a folder by scorer; h5 before csv."""
    found: dict[str, Path] = {}
    for suffix in (".csv", ".h5"):
        for file in sorted(folder.glob(f"{TABLE}*{suffix}")):
            found[file.stem.removeprefix(PREFIX)] = file
    return found


def _edges(config: dict[str, Any], keypoints: list[str]) -> tuple[tuple[str, str], ...]:
    """Return the skeleton of a config, over keypoints that exist."""
    skeleton = config.get("skeleton")
    chains = [chain for chain in skeleton if isinstance(chain, list)] if isinstance(skeleton, list) else []
    pairs = [(str(a), str(b)) for chain in chains for a, b in pairwise(chain)]
    return tuple(dict.fromkeys(pair for pair in pairs if set(pair) <= set(keypoints)))


def _read_table(table: Path, images: Path | None, name: str, min_confidence: float | None) -> LabelledSet:
    ds = load_poses(table, "dlc-labels")
    names = [str(image).replace("\\", "/") for image in ds["image"].values] if "image" in ds.coords else []
    folder = _image_root(table, images, names[0] if names else "")
    refs = [ImageRef(str(safe_join(folder, _below(image, folder, table)))) for image in names]
    video = [image.split("/")[-2] if "/" in image else table.parent.name for image in names]
    part = from_poses(ds, name=name, images=refs, undefined=_undefined(ds))
    part = part.with_columns(source=name, video=video, notes=(*part.notes, *_csv_differs(table, ds)))
    return settle(part, predicted_confidence(part, ds), min_confidence)


def _csv_differs(table: Path, ds: xr.Dataset) -> list[str]:
    """Return a note when the csv beside an h5 holds other labels: it may have been corrected by hand."""
    text = table.with_suffix(".csv")
    if table.suffix == ".csv" or not text.is_file():
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = load_poses(text, "dlc-labels")
        xr.testing.assert_allclose(_named(other), _named(ds), atol=0.01)
    except (SuperAnimalError, AssertionError):
        return [
            f"{text.name} in {table.parent.name} differs from {table.name}, which is read: DeepLabCut's "
            "convertcsv2h5 takes the csv over"
        ]
    return []


def _named(ds: xr.Dataset) -> xr.DataArray:
    """Return positions in the order of the images' names."""
    names = ds["image"].values if "image" in ds.coords else ds["frame"].values
    return ds["position"].drop_vars(["time", "frame"]).isel(time=np.argsort(names, kind="stable"))


def _image_root(table: Path, images: Path | None, first: str) -> Path:
    """Return the folder to which the image names of a table are relative."""
    if images is not None:
        return images
    above = [table.parent, table.parent.parent, table.parent.parent.parent]
    return next(
        (root for root in above if first and ".." not in first and (root / first).is_file()), above[0]
    )


def _below(image: str, folder: Path, table: Path) -> str:
    """Return the name of an image relative to ``folder``, allowing for moved projects and renamed folders."""
    if (folder / image).is_file() or ".." in image.split("/"):
        return image
    tail = image.rsplit("/", 1)[-1]
    pair = "/".join(image.split("/")[-2:])
    return next(
        (name for name in (pair, tail) if (folder / name).is_file()),
        tail if folder == table.parent else image,
    )


def _undefined(ds: xr.Dataset) -> np.ndarray | None:
    """Return undefined points (K, N): ``single`` has only the keypoints that exist once, others never do."""
    unique = np.atleast_1d(ds.attrs.get("unique_keypoints", [])).tolist()
    individuals = ds["individual"].values.astype(str)
    if not unique or UNIQUE not in individuals:
        return None
    once = np.isin(ds["keypoint"].values.astype(str), unique)[:, None]
    return once != (individuals == UNIQUE)[None, :]
