"""The ethogram of one animal: a lane for each behaviour, and below it what a model predicts."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from napari_superanimal.docks.behavior.session import BehaviorSession
from superanimal.behavior.bouts import labels_of, of_animal
from superanimal.behavior.classifiers.targets import OTHER

MODEL = ", model"
"""Ending of the lane of predictions."""
GREY = "#a0a0a0"


def lanes_of(session: BehaviorSession) -> dict[str, str]:
    """Return the colour of each lane, in order."""
    colors = session.colors
    if session.predicted is not None:
        found = [name for name in labels_of(session.predicted) if name != OTHER]
        colors |= {name: GREY for name in found if name not in colors}
        return {
            lane: color
            for name, color in colors.items()
            for lane in ([name, name + MODEL] if name in found else [name])
        }
    return colors


def bars_of(
    session: BehaviorSession, individual: str, unended: Mapping[str, tuple[float, float]]
) -> pd.DataFrame:
    """Return the bars of one animal: ``lane, start_s, end_s, note``.

    Predictions and unended bouts have a note.

    Parameters
    ----------
    session
        The labels.
    individual
        The animal.
    unended
        Start and present end, in seconds, of bouts that are being labelled.
    """
    own = session.own(individual)
    parts = [own.assign(lane=own["label"], note="")]
    if session.predicted is not None:
        predicted = of_animal(session.predicted, individual)
        predicted = predicted[predicted["label"] != OTHER]
        parts.append(predicted.assign(lane=predicted["label"] + MODEL, note="predicted"))
    rows = [(name, start, end, "being labelled") for name, (start, end) in unended.items()]
    parts.append(pd.DataFrame(rows, columns=["lane", "start_s", "end_s", "note"]))
    full = [part[["lane", "start_s", "end_s", "note"]] for part in parts if len(part)]
    return pd.concat(full, ignore_index=True) if full else parts[-1]
