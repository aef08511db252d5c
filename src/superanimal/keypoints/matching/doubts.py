"""Checking a matching against keypoint names: where names and positions disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from superanimal.keypoints.conversion_table import draft_table, side
from superanimal.keypoints.prefixes import find_prefixes
from superanimal.poses import KeypointSpace

if TYPE_CHECKING:
    from superanimal.keypoints.matching.result import Matching, Pair

FEW_IMAGES = 10
"""Fewer images are weak evidence for a table."""
UNSURE = 0.2
"""A pair with a smaller margin is a toss-up."""
APART = 0.06
"""A pair with a larger median distance, in body lengths, may be two different points."""


def find_namesakes(user: Sequence[str], model: Sequence[str], space: KeypointSpace | None) -> np.ndarray:
    """Return, for each user keypoint, the model keypoint with the same name or synonym, (U,); -1 for none."""
    found = np.full(len(user), -1)
    if space is None:
        space = KeypointSpace("", "", tuple(model), (), (), np.ones(len(model)), ())
    prefixes = find_prefixes(user)
    plain = [name.removeprefix(prefixes[0]) for name in user] if len(prefixes) == 1 else list(user)
    for master, cell in draft_table("labels", plain, space).columns["labels"].items():
        if master in model:
            found[plain.index(cell.names[0])] = list(model).index(master)
    return found


def mirror_of(keypoint: str, space: KeypointSpace | None) -> str | None:
    """Return the keypoint on the other side of the animal, if it has one."""
    pairs = dict(space.pairs) if space else {}
    return pairs.get(keypoint) or {right: left for left, right in pairs.items()}.get(keypoint)


def find_doubts(matching: Matching, nearest: np.ndarray, namesakes: np.ndarray) -> Iterator[str]:
    """Yield the points to check before trusting a matching.

    Parameters
    ----------
    nearest : (U,) int
        Model keypoint assigned to each user keypoint by position alone; -1 for none.
    namesakes : (U,) int
        Model keypoint with the same name; -1 for none.
    """
    seen = np.isfinite(matching.distance).any(1)
    images, left_out = matching.facts["images"], matching.facts["animals_left_out"]
    if images < FEW_IMAGES:
        yield f"only {images} images: check the table before you use it"
    if silent := [u for u, k in zip(matching.user_keypoints, seen, strict=True) if not k]:
        yield f"no image has a label of {', '.join(silent)} beside a prediction: not matched"
    prefixes = find_prefixes(matching.user_keypoints)
    if len(prefixes) > 1:
        yield f"names begin with {', '.join(prefixes)}: several animals in one? Split them (split_prefixes)"
    if left_out:
        yield f"{left_out} labelled animals were left out: not found, or with too few confident keypoints"
    swapped = [pair for pair in matching.pairs if {side(pair.user), side(pair.model)} == {"left", "right"}]
    if swapped:
        listed = ", ".join(f"{pair.user} lies at {pair.model}" for pair in swapped)
        yield f"left/right swapped? {listed}"
    for pair in matching.pairs:
        u, k = matching.user_keypoints.index(pair.user), matching.model_keypoints.index(pair.model)
        if pair.by_name:
            yield _by_name(matching, pair, int(nearest[u]))
        elif pair in swapped:
            continue
        elif namesakes[u] >= 0 and namesakes[u] != k:
            other = matching.model_keypoints[namesakes[u]]
            yield f"{pair.user} is named like {other} but lies at {pair.model} ({_figures(matching, u, k)})"
        elif pair.margin < UNSURE:
            doubt = f"{_figures(matching, u, k)}; {_rival(matching, u, k)}"
            yield f"{pair.user} to {pair.model} is a toss-up ({doubt})"
        elif pair.distance > APART and namesakes[u] != k:
            yield (
                f"{pair.user} lies {pair.distance:.1%} of body length from {pair.model}, the nearest that is "
                "free: perhaps the model does not have this point"
            )


def _by_name(matching: Matching, pair: Pair, rival: int) -> str:
    u, k = matching.user_keypoints.index(pair.user), matching.model_keypoints.index(pair.model)
    text = f"{pair.user} was matched to {pair.model} by its name ({_figures(matching, u, k)}); by position "
    if rival < 0:
        return text + "it would stay unmatched"
    return text + f"it is closer to {matching.model_keypoints[rival]} ({_figures(matching, u, rival)})"


def _rival(matching: Matching, u: int, k: int) -> str:
    """Return the name of the strongest rival of a pair."""
    row, column = matching.frequency[u].copy(), matching.frequency[:, k].copy()
    row[k] = column[u] = -1
    if row.max() >= column.max():
        return f"{matching.model_keypoints[int(row.argmax())]} in {row.max():.0%}"
    return f"{matching.user_keypoints[int(column.argmax())]} in {column.max():.0%}"


def _figures(matching: Matching, u: int, k: int) -> str:
    apart, joined = matching.distance[u, k], matching.frequency[u, k]
    return f"{apart:.1%} of body length away, joined in {joined:.0%} of images"
