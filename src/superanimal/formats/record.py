"""Everything in a pose data set except its arrays, as one JSON record.

Formats that can, keep the record inside the file. Text tables cannot: ``x.csv`` is accompanied by
``x.csv.provenance.json`` with the record and the SHA-256 of the table, so that a table changed by another
program is not combined with an outdated record.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.files import atomic_write, sha256_of
from superanimal.poses.dataset import PIXELS
from superanimal.poses.provenance import get_provenance, software_version

_PLAIN = ("fps", "video_path", "source_software", "scorer", "unique_keypoints", "space_unit")


def record_of(ds: xr.Dataset) -> dict[str, Any]:
    """Return the record of a data set: attributes that are set, provenance as an object."""
    record = {
        key: _plain(ds.attrs[key])
        for key in _PLAIN
        if np.size(ds.attrs.get(key, "")) and ds.attrs.get(key, "") != ""
    }
    if provenance := get_provenance(ds):
        record["provenance"] = provenance
    record["written_by"] = f"napari-superanimal {software_version()}"
    return record


def fields_of(record: dict[str, Any], software: str) -> dict[str, Any]:
    """Return the arguments of ``make_poses`` that a record holds.

    Parameters
    ----------
    record
        As returned by :func:`record_of`, or empty for files of other programs.
    software
        Name of the program the file format belongs to, used when the record names none.
    """
    return {
        "fps": record.get("fps"),
        "video_path": record.get("video_path", ""),
        "source_software": record.get("source_software", software),
        "provenance": record.get("provenance"),
        "space_unit": record.get("space_unit", PIXELS),
    }


def dump(ds: xr.Dataset, **more: Any) -> str:
    """Return the record, with ``more`` entries from the caller, as JSON text."""
    return json.dumps({**record_of(ds), **more})


def parse(text: str | bytes | None) -> dict[str, Any]:
    """Return the record in JSON text; empty when there is none or another program's text."""
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) and "written_by" in value else {}


def sidecar_of(path: str | os.PathLike[str]) -> Path:
    """Return the path of the record beside a table."""
    return Path(f"{os.fspath(path)}.provenance.json")


def write_sidecar(ds: xr.Dataset, path: str | os.PathLike[str], **more: Any) -> Path:
    """Write the record of ``ds``, with ``more`` entries, beside the table ``path`` and return its path."""
    target = sidecar_of(path)
    with atomic_write(target) as temporary:
        temporary.write_text(
            json.dumps({**record_of(ds), **more, "sha256": sha256_of(path)}, indent=1), encoding="utf-8"
        )
    return target


def read_sidecar(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the record beside a table; empty, with a warning, if the table has changed since."""
    target = sidecar_of(path)
    if not target.is_file():
        return {}
    record = parse(target.read_text("utf-8"))
    if record.get("sha256") != sha256_of(path):
        warnings.warn(f"{target} does not match the current {path} and is ignored", stacklevel=2)
        return {}
    return record


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
