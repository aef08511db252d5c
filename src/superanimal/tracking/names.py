"""The names of individuals: those of the input, where a person set them or most of an animal has them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment

from superanimal.errors import InputError, option
from superanimal.tracking.detections import Detections
from superanimal.tracking.tracklets import Tracklet


class Names:
    """The names in the input.

    Parameters
    ----------
    poses, found
        The input.
    count
        Greatest number of individuals.

    Attributes
    ----------
    slots : list of str
        Names of the slots.
    held : list of int
        Slots whose names a person set; they are the first individuals of the search.
    """

    def __init__(self, poses: xr.Dataset, found: Detections, count: int) -> None:
        self.slots = [str(name) for name in poses["individual"].values]
        self.held: list[int] = np.unique(found.anchor[found.anchor >= 0]).tolist()
        if len(self.held) > count:
            named = ", ".join(self.slots[slot] for slot in self.held)
            raise InputError(
                f"points of {len(self.held)} animals were set by a person ({named})",
                f"at most {count} animals were asked for, and what a person set is kept",
                f"allow as many animals{option('max_individuals', str(len(self.held)))}",
            )

    def anchored(self, tracklet: Tracklet) -> Tracklet:
        """Return a tracklet with the number of its individual in place of the slot that a person set."""
        return tracklet if tracklet.anchor < 0 else replace(tracklet, anchor=self.held.index(tracklet.anchor))


@dataclass(frozen=True)
class Choice:
    """The names of the result, and which individual of the search has each."""

    names: list[str]
    order: list[int]


def choose_names(names: Names, source: np.ndarray) -> Choice:
    """Name the individuals of the search, in the order of the input.

    Parameters
    ----------
    source : (T, N)
        Slot from which each individual comes in each row, -1 where absent.
    """
    count = source.shape[1]
    slots, held = names.slots, names.held
    others = [slot for slot in range(len(slots)) if slot not in held][: count - len(held)]
    given = dict(enumerate(held))
    rest = [individual for individual in range(count) if individual not in given]
    if rest and others:
        shared = np.array([[(source[:, i] == slot).sum() for slot in others] for i in rest])
        # who shares nothing with any name takes the first that is free
        taken = zip(*linear_sum_assignment(-shared), strict=True)
        given |= {rest[i]: others[j] for i, j in taken}
    seen = np.asarray((source >= 0).any(0))
    named = sorted((slot, individual) for individual, slot in given.items())
    texts, order = [slots[slot] for slot, _ in named], [individual for _, individual in named]
    for individual in rest:
        if individual not in given and seen[individual]:
            texts.append(
                next(n for i in range(len(slots) + count) if (n := f"animal{i}") not in {*slots, *texts})
            )
            order.append(individual)
    return Choice(texts, order)
