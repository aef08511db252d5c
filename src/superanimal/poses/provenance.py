"""The provenance of a result: versions, model, weights and parameters, stored in the data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import xarray as xr

from superanimal import __version__


def make_provenance(action: str, **facts: Any) -> dict[str, Any]:
    """Return the provenance record of one action.

    Parameters
    ----------
    action
        Name of the action, such as ``"analyze"``.
    facts
        JSON-serialisable facts: model, weight hash, parameters, mode, device.
    """
    return {"action": action, "software": software(), **facts}


def software() -> str:
    """Return the name and version of the installed project."""
    return f"napari-superanimal {software_version()}"


def software_version() -> str:
    """Return the version of the project."""
    return __version__


def timestamp() -> str:
    """Return the current time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def get_provenance(ds: xr.Dataset) -> dict[str, Any]:
    """Return the provenance record of a pose data set; empty if it has none."""
    text = ds.attrs.get("provenance")
    return json.loads(text) if text else {}


def set_provenance(ds: xr.Dataset, record: dict[str, Any]) -> xr.Dataset:
    """Return the data set with its provenance replaced (shares the arrays)."""
    return ds.assign_attrs(provenance=json.dumps(record))
