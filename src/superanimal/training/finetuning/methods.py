"""The four fine-tuning methods by name, with their duration, for forms and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from superanimal.errors import unknown_name

Outputs = Literal["labelled", "space"]
LENGTHS = {"quick": 0.4, "standard": 1.0, "long": 3.0}
"""Length of the training, as a multiple of :func:`usual_steps`."""


@dataclass(frozen=True)
class Method:
    """A way to train.

    Attributes
    ----------
    name, title
        Name on the command line, and title shown to users.
    consequence
        Consequence of choosing it, in one sentence.
    outputs
        Keypoints of the result: those labelled by the user, or the whole space of the model.
    encoder, decoder
        Whether each starts from the model's weights.
    """

    name: str
    title: str
    consequence: str
    outputs: Outputs
    encoder: bool
    decoder: bool


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "memory-replay",
            "Memory replay",
            "Learns your keypoints and keeps the other keypoints of the model: the result has all of them.",
            "space",
            True,
            True,
        ),
        Method(
            "finetune",
            "Fine-tuning",
            "Starts from what the model knows about your keypoints: the result has only your keypoints.",
            "labelled",
            True,
            True,
        ),
        Method(
            "transfer",
            "Transfer learning",
            "Keeps the encoder and learns your keypoints from scratch: needs a few hundred labelled frames.",
            "labelled",
            True,
            False,
        ),
        Method(
            "scratch",
            "From scratch",
            "Starts from random weights: needs thousands of labelled frames; useful only as a comparison.",
            "labelled",
            False,
            False,
        ),
    )
}
"""Methods by name, in order of recommendation."""


def find_method(name: str) -> Method:
    """Return a method by name.

    Raises
    ------
    NotFoundError
        When there is none of that name.
    """
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    return METHODS[name]


def usual_batch(animals: int) -> int:
    """Return the number of samples per step for a number of labelled animals."""
    return min(16, max(4, animals))


def usual_steps(method: Method, animals: int) -> int:
    """Return the number of steps for a number of labelled animals: 60 passes, within bounds."""
    fewest = 250 if method.decoder else 500
    return max(fewest, min(6000, round(60 * animals / usual_batch(animals))))
