"""Labels that come before or after the motion in all of a recording: found before they are learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from superanimal.behavior.alignment import Shift, align
from superanimal.behavior.bouts import within
from superanimal.behavior.classifiers.targets import Targets
from superanimal.behavior.descriptors.recording import Recording
from superanimal.errors import by_caller
from superanimal.poses import make_poses

LEAST_S = 0.1
"""Offsets shorter than this are not worth a word: a person's reaction takes longer."""


def align_targets(
    all_targets: Sequence[Targets], recordings: Sequence[Recording], names: Sequence[str], *, move: bool
) -> tuple[list[Targets], list[str]]:
    """Return the labels of recordings, moved by their offset if that is wanted, and what is to be said.

    Parameters
    ----------
    all_targets, recordings, names
        Labels, poses and the name of each recording. Labels of single frames are not moved.
    move
        False only says what the offsets are.
    """
    targets, notes = list[Targets](), list[str]()
    for own, recording, name in zip(all_targets, recordings, names, strict=True):
        shift = _shift_of(own, recording)
        if shift is None or not shift.certain or abs(shift.shift_s) < max(LEAST_S, 2 * shift.error_s):
            targets.append(own)
            continue
        late = (
            f"{abs(shift.shift_s):.2f} ± {shift.error_s:.2f} s {'after' if shift.shift_s < 0 else 'before'}"
        )
        if move:
            assert own.bouts is not None
            end = float(recording.time[-1] + recording.step)
            own = replace(own, bouts=within(shift.apply(own.bouts), end).reset_index(drop=True))
            notes.append(f"{name}: the labels came {late} the motion; they were moved.")
        else:
            remedy = by_caller("align=True", "--align", "the check in the tab Annotate")
            notes.append(
                f"{name}: the labels come {late} the motion. They are learnt as they are; {remedy} "
                "moves them."
            )
        targets.append(own)
    return targets, notes


def _shift_of(targets: Targets, recording: Recording) -> Shift | None:
    """Return by how much the labels of a recording should be moved; None where they are no bouts."""
    if targets.bouts is None or not len(targets.bouts):
        return None
    poses = make_poses(
        recording.position,
        keypoints=recording.keypoints,
        individuals=recording.individuals,
        times=recording.time,
        space_unit="body",  # no pixels are needed, and three coordinates have none
    )
    named = targets.bouts.loc[targets.bouts["individual"] != "", "individual"]
    busiest = (
        str(named.value_counts().index[0]) if len(named) else None
    )  # one clock for all animals of a video
    return align(targets.bouts, poses, individual=busiest)
