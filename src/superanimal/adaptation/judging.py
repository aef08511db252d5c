"""Whether an adapted model is kept: only where it is better on frames it was not trained on."""

from __future__ import annotations

import math

from superanimal.adaptation.measuring import Steadiness, Unsteadiness
from superanimal.bootstrap import Interval

SLACK = 0.02
"""A guard (jitter, dropped keypoints, lost animals) may get worse by this part, which is noise."""
CORRECTED_SLACK = 0.25
"""The jitter may rise by this part where a person corrected frames: legs that are followed move more than
legs that are missed."""
DROPPED = 0.1
"""More keypoints dropped per animal than before by less than this are noise, too."""
PROVEN_BY = 8
"""From this many corrected frames on a quarter is held out and decides."""


def verdict(
    before: Steadiness,
    after: Steadiness,
    unsteady: Unsteadiness,
    corrected: Interval | None,
    corrections: int,
) -> tuple[bool, str]:
    """Return whether an adapted model is kept, and why.

    Without labels, errors that differ from look to look and from frame to frame can be measured, errors that
    are always the same cannot. So a model is kept if it is steadier and has not moved the points further than
    the original was unsteady.

    Parameters
    ----------
    before, after
        Figures on the held-out stretches.
    unsteady
        How far each model's points are from what its looks and the frames around agree on.
    corrected
        Relative change of the error on corrected frames that were held out; None without.
    corrections
        Number of corrected frames.
    """
    room = CORRECTED_SLACK if corrections else SLACK
    worse = [
        f"{title} rises from {first:.3g} to {second:.3g}"
        for title, first, second, slack in (
            ("the jitter", before.jitter, after.jitter, room * before.jitter),
            ("the number of dropped keypoints", before.dropped, after.dropped, DROPPED),
            ("the part of frames without an animal", before.missing, after.missing, SLACK),
        )
        if second > first + slack or math.isnan(second)
    ]
    if worse:
        return False, f"Not kept: on held-out frames {' and '.join(worse)}."
    if corrected is not None:
        if float(corrected.high) < 0:
            return True, (
                f"Kept: on corrected frames that were held out the error falls by {_percent(corrected)}."
            )
        return False, (
            "Not kept: on corrected frames that were held out the error falls by "
            f"{_percent(corrected)}, which may be chance."
        )
    if corrections:
        return True, (
            f"Kept: trained on {corrections} corrected frames, no figure of the held-out frames is worse; "
            f"{PROVEN_BY} corrected frames would show by how much the error falls."
        )
    if not float(unsteady.change.high) < 0:
        return False, (
            "Not kept: on held-out frames the model is steadier over several looks and neighbouring frames "
            f"by {_percent(unsteady.change)}, which may be chance."
        )
    if not unsteady.moved <= unsteady.before:
        return False, (
            f"Not kept: on held-out frames the points move by {100 * unsteady.moved:.1f} % of the animal's "
            f"size, more than the original is unsteady ({100 * unsteady.before:.1f} %); corrected frames "
            "would tell which of the two is right."
        )
    return True, (
        "Kept: on held-out frames the model is steadier over several looks and neighbouring frames by "
        f"{_percent(unsteady.change)}."
    )


def _percent(figure: Interval) -> str:
    """Return by how much a figure falls, in percent; negative where it rises."""
    low, high = -100 * float(figure.high), -100 * float(figure.low)
    text = f"{-100 * float(figure.value):.0f} % (95 % interval {low:.0f} to {high:.0f})"
    return text.replace("-", "−")
