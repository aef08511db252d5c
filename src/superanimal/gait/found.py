"""What an analysis found in one recording, before it is written into tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import xarray as xr

from superanimal.gait.events import Event, Refused
from superanimal.gait.recording import Recording
from superanimal.gait.strides import Stride


@dataclass(frozen=True)
class Animal:
    """Recording, events, stretches without any, and strides of one animal."""

    recording: Recording
    events: list[Event]
    refused: list[Refused]
    strides: list[Stride]


@dataclass(frozen=True)
class Found:
    """The animals of one recording; rows of its tables follow their order.

    Attributes
    ----------
    poses
        What was analysed.
    animals
        In the order of ``poses["individual"]``.
    facts
        ``file, limbs, detector, fps, scale`` of the analysis.
    """

    poses: xr.Dataset
    animals: list[Animal]
    facts: dict[str, Any]
