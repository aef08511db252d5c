"""Contacts and lifts that a person corrects."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from superanimal.errors import InputError
from superanimal.gait.analysis import tabulate
from superanimal.gait.event_files import events_of
from superanimal.gait.result import GaitResult
from superanimal.gait.strides import find_strides

CORRECTED = ", corrected by hand"
"""What follows the detector in the facts of a corrected result."""


def correct(result: GaitResult, events: pd.DataFrame) -> GaitResult:
    """Return a result with other events; strides and all other tables follow.

    Intervals in which nothing is known stay as they are.

    Parameters
    ----------
    result
        The analysis of one recording; it stays as it is. Strides that were left out are back.
    events
        All events: ``individual, limb, event`` (``contact`` or ``lift``), ``time_s``, such as a changed copy
        of ``result.events``. Those that are not in ``result`` have the confidence 1 of a person.

    Raises
    ------
    InputError
        When the result is that of several files, or an event of another limb or animal.

    Examples
    --------
    >>> from superanimal.gait import analyze
    >>> from superanimal.samples import sample_path
    >>> result = analyze(sample_path("sideview_horse_truth.h5"))
    >>> events = result.events.copy()
    >>> events.loc[4, "time_s"] += 0.02
    >>> correct(result, events).facts["detector"]
    'contact, corrected by hand'
    """
    if result.found is None:
        raise InputError(
            "the result is that of several files", "events are corrected in the result of one recording",
            "correct them before the results are joined",
        )  # fmt: skip
    found, animals = result.found, []
    individuals = [animal.recording.individual for animal in found.animals]
    for animal in found.animals:
        known = {(event.limb, event.contact, event.time): event for event in animal.events}
        own = [
            known.get((event.limb, event.contact, event.time), event)
            for event in events_of(events, animal.recording, individuals)
        ]
        strides = find_strides(animal.recording, own, animal.refused)
        animals.append(replace(animal, events=own, strides=strides))
    detector = str(found.facts["detector"]).removesuffix(CORRECTED) + CORRECTED
    return tabulate(replace(found, animals=animals, facts={**found.facts, "detector": detector}))
