"""Evidence from a matching for and against a pair of keypoints, chosen by the matching or by a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superanimal.keypoints.matching.doubts import UNSURE
from superanimal.keypoints.matching.match import MIN_SCORE
from superanimal.keypoints.matching.result import Matching


@dataclass(frozen=True)
class Doubt:
    """One point to check: a short label for a table, and a sentence."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Support:
    """The evidence for a pair.

    Attributes
    ----------
    score
        Fraction (0..1) of the images with both in which they were assigned to each other.
    margin
        ``score`` minus that of the strongest rival of either (-1..1).
    distance
        Mean distance in body lengths; NaN if never seen together.
    rival, rival_score
        The other model keypoint most often assigned to the user keypoint, and its score.
    """

    score: float
    margin: float
    distance: float
    rival: str
    rival_score: float


def support_of(matching: Matching, user: str, model: str) -> Support | None:
    """Return the evidence for a pair, or None if one of them was not part of the matching."""
    if user not in matching.user_keypoints or model not in matching.model_keypoints:
        return None
    u, k = matching.user_keypoints.index(user), matching.model_keypoints.index(model)
    others, claims = matching.frequency[u].copy(), matching.frequency[:, k].copy()
    others[k] = claims[u] = 0
    score = float(matching.frequency[u, k])
    return Support(
        score=score,
        margin=score - float(max(others.max(), claims.max())),
        distance=float(matching.distance[u, k]),
        rival=matching.model_keypoints[int(others.argmax())] if others.max() > 0 else "",
        rival_score=float(others.max()),
    )


def doubts_about(matching: Matching, user: str, model: str) -> list[Doubt]:
    """Return the doubts about a pair; ``model`` may be empty for an unmapped keypoint."""
    if not model:
        return _missed(matching, user)
    found = support_of(matching, user, model)
    if found is None:
        return []
    if np.isnan(found.distance):
        return [Doubt("never together", f"never seen together with {model}")]
    if found.rival_score > found.score:
        there = f"lies at {found.rival} in {found.rival_score:.0%} of images"
        return [Doubt("lies elsewhere", f"{there}, at {model} in {found.score:.0%}")]
    if found.score < MIN_SCORE:
        return [Doubt("low score", f"assigned to {model} in {found.score:.0%} of images only")]
    if found.margin < UNSURE:
        rival = (
            f"{found.rival} in {found.rival_score:.0%}" if found.rival_score else "another is equally close"
        )
        return [Doubt("toss-up", f"a toss-up: {model} in {found.score:.0%} of images, {rival}")]
    return []


def _missed(matching: Matching, user: str) -> list[Doubt]:
    if user not in matching.user_keypoints:
        return []
    row = matching.frequency[matching.user_keypoints.index(user)]
    best = int(row.argmax())
    if row[best] < MIN_SCORE:
        return []
    text = f"lies at {matching.model_keypoints[best]} in {row[best]:.0%} of images"
    return [Doubt("lies elsewhere", text)]
