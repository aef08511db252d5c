"""A bout as a file of annotations gives it, and what all readers share."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from superanimal.behavior.bouts import SHOWN
from superanimal.errors import FormatError, InputError, option


class Row(NamedTuple):
    """A bout, with the place in the file where it stands."""

    start_s: float
    end_s: float
    label: str
    place: str
    individual: str = ""
    target: str = ""
    rater: str = ""
    stream: str = ""
    video: str = ""


def frame_rate(fps: float | None, path: str | os.PathLike[str] | str, stated: float | None = None) -> float:
    """Return frames per second: the given ones, else those that the file states.

    Raises
    ------
    FormatError, InputError
        When neither is known; when the rate is no positive number.
    """
    rate = fps if fps is not None else stated
    if rate is None:
        raise FormatError(
            f"{path}: bouts are given in frames, without a frame rate",
            "bouts need times in seconds",
            f"give the frame rate of the video{option('fps', '30')}",
        )
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"{rate} frames per second", "the rate must be a positive number")
    return float(rate)


def warn_of_unended(source: str | os.PathLike[str], faults: Sequence[str]) -> None:
    """Say which bouts are left out because they have no start or no end."""
    if faults:
        warnings.warn(
            f"{source}: {len(faults)} {'bout is' if len(faults) == 1 else 'bouts are'} left out, without a "
            f"start or an end: {'; '.join(faults[:SHOWN])}{'; ...' if len(faults) > SHOWN else ''}; add what "
            "is missing and read the file again",
            stacklevel=5,
        )


def runs(labels: Sequence[str] | np.ndarray, edges: np.ndarray) -> Iterable[tuple[float, float, str, int]]:
    """Yield start and end in seconds, label and first frame of each run of a label that is not empty.

    Parameters
    ----------
    labels
        One for each of T frames.
    edges
        (T + 1,) seconds at which frames begin, and the last one ends.
    """
    values = np.asarray(labels, dtype=object)
    if not len(values):
        return
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    last = np.append(first[1:], len(values))
    for begin, end in zip(first, last, strict=True):
        if values[begin] != "":
            yield float(edges[begin]), float(edges[end]), str(values[begin]), int(begin)
