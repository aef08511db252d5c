"""Which features are computed: named sets, written with every model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from superanimal.errors import InputError, unknown_name


@dataclass(frozen=True)
class Preset:
    """A named set of features.

    Attributes
    ----------
    name
        Such as ``"default"``.
    widths
        Windows in seconds over which mean and standard deviation are taken.
    bands
        Frequencies in Hz at which the rhythm of speeds is measured.
    """

    name: str
    widths: tuple[float, ...]
    bands: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the set as JSON-serialisable data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Preset:
        """Return the set that :meth:`to_dict` wrote."""
        return cls(str(data["name"]), tuple(map(float, data["widths"])), tuple(map(float, data["bands"])))


PRESETS = {
    "default": Preset("default", (0.2, 0.7, 2.0, 6.0), (2.0, 4.0, 7.0)),
}


def get_preset(name: str | Preset) -> Preset:
    """Return a preset by name.

    Raises
    ------
    NotFoundError
        When there is none of that name.
    """
    if isinstance(name, Preset):
        if any(width <= 0 for width in (*name.widths, *name.bands)):
            raise InputError(f"windows of {name.widths} s, bands of {name.bands} Hz", "they must be above 0")
        return name
    if name not in PRESETS:
        raise unknown_name("preset of features", name, PRESETS)
    return PRESETS[name]
