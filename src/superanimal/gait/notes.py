"""What limits the analysis of an animal, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from superanimal.gait.found import Animal
from superanimal.reports.numbers import count_of


def notes_of(animal: Animal) -> Iterator[str]:
    """Yield what a person who reads the tables of an animal has to know."""
    recording, who = animal.recording, animal.recording.individual
    limbs = range(len(recording.limbs))
    without = [k for k in limbs if all(s.refused for s in animal.strides if s.limb == k)]
    if len(without) == len(limbs):
        span = recording.time[-1] - recording.time[0]
        yield f"{who}: no stride is kept in {span:.1f} s ({_why(animal, without)})."
    else:
        for k in without:
            yield f"{who}: no stride of {recording.limbs[k].name} is kept ({_why(animal, [k])})."
    if recording.exchanged:
        frames = count_of(recording.exchanged, "frame")
        yield f"{who}: left and right feet bore each other's name in {frames}; put right here."
    if recording.elsewhere.any():
        at = recording.frame[recording.elsewhere]
        yield (
            f"{who}: {count_of(len(at), 'frame')} between {at[0]} and {at[-1]} are left out: the animal "
            "jumps there, so another one is followed, or the video was cut (analyse its passages as files of "
            "their own)."
        )
    if len(limbs) == 1:
        yield f"{who}: only one limb ({recording.limbs[0].name}), so there is no phase and no gait."


def _why(animal: Animal, limbs: list[int]) -> str:
    """Return why some limbs have no kept stride."""
    reasons = sorted({stride.refused for stride in animal.strides if stride.limb in limbs})
    if reasons:
        return ", ".join(reasons)
    gaps = sorted({f", in part {gap.reason}" for gap in animal.refused if gap.limb in limbs})
    return "".join(["not seen from one contact to its next", *gaps])
