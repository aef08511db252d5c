"""The four fine-tuning methods by name, with their duration, for forms and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from superanimal.errors import unknown_name

Outputs = Literal["labelled", "space"]
Length = Literal["quick", "standard", "long"]
LENGTHS: dict[str, float] = {"quick": 0.4, "standard": 1.0, "long": 3.0}
"""Length of the training, as a multiple of :func:`usual_steps`."""
VARIANTS = 12
"""Variants of each animal that a quick training learns from."""
KEPT = 2000
"""Most crops whose features a quick training keeps in memory, 0.2 MB each."""


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


def length_settings(length: str, method: Method, animals: int, architecture: str) -> dict[str, Any]:
    """Return the settings of a recipe for a length of training.

    A quick training leaves an encoder that knows animals as it is, which takes a tenth of the time of a step
    where its features can be kept.

    Parameters
    ----------
    animals
        Number of labelled animals to train on.
    architecture
        Of the model; the features of ``pyramid_pose`` networks can be kept.

    Raises
    ------
    NotFoundError
        When there is no such length.
    """
    if length not in LENGTHS:
        raise unknown_name("length", length, LENGTHS)
    settings: dict[str, Any] = {"steps": max(1, round(LENGTHS[length] * usual_steps(method, animals)))}
    if length == "quick" and method.encoder:
        settings["backbone_factor"] = 0.0
        variants = min(VARIANTS, KEPT // max(animals, 1))
        if architecture == "pyramid_pose" and variants > 1:
            settings["reuse"] = variants
    return settings
