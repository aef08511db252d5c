"""Which features are computed: named sets, written with every model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from superanimal.errors import InputError, unknown_name


@dataclass(frozen=True)
class Preset:
    """A named set of features.

    Attributes
    ----------
    name
        ``"default"``, or ``"paper"``: the features of :mod:`superanimal.behavior.descriptors.paper`.
    widths
        Windows in seconds over which mean and standard deviation are taken.
    bands
        Frequencies in Hz at which the rhythm of speeds is measured.
    lags
        Seconds before and after each frame whose features belong to it, too.
    """

    name: str
    widths: tuple[float, ...] = ()
    bands: tuple[float, ...] = ()
    lags: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the set as JSON-serialisable data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Preset:
        """Return the set that :meth:`to_dict` wrote."""
        return cls(str(data["name"]), *(tuple(map(float, data[key])) for key in ("widths", "bands", "lags")))


_PAPER_LAGS = tuple(round(0.04 * k, 2) for k in range(-15, 16) if k)
"""15 frames to either side at the 25 frames per second of the paper."""
PRESETS = {
    "default": Preset("default", (0.2, 0.7, 2.0, 6.0), (2.0, 4.0, 7.0)),
    "paper": Preset("paper", lags=_PAPER_LAGS),
}


def get_preset(name: str | Preset) -> Preset:
    """Return a preset by name.

    Raises
    ------
    NotFoundError
        When there is none of that name.
    InputError
        When a window or frequency is not above 0.
    """
    preset = name if isinstance(name, Preset) else PRESETS.get(name)
    if preset is None or preset.name not in PRESETS:
        raise unknown_name("preset of features", str(getattr(name, "name", name)), PRESETS)
    if any(not (np.isfinite(each) and each > 0) for each in (*preset.widths, *preset.bands)):
        raise InputError(
            f"windows of {preset.widths} s, bands of {preset.bands} Hz", "they must be numbers above 0"
        )
    return preset
