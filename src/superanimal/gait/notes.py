"""What limits the analysis of an animal, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from superanimal.gait.found import Animal
from superanimal.reports.numbers import count_of


def notes_of(animal: Animal) -> Iterator[str]:
    """Yield what a person who reads the tables of an animal has to know."""
    recording, who = animal.recording, animal.recording.individual
    if all(stride.refused for stride in animal.strides):
        reasons = sorted({stride.refused for stride in animal.strides})
        if not reasons:
            reasons = ["no limb is seen from one contact to its next"]
            reasons += sorted({f"in part {gap.reason}" for gap in animal.refused})
        span = recording.time[-1] - recording.time[0]
        yield f"{who}: no stride is kept in {span:.1f} s ({', '.join(reasons)})."
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
    if len(recording.limbs) == 1:
        yield f"{who}: only one limb ({recording.limbs[0].name}), so there is no phase and no gait."
