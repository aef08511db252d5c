"""Changing the keypoints of a pose network, without changing what it learned about the others.

A network is built twice on paper, for K and for K + 1 keypoints: the tensors whose shapes differ are the
outputs, and the axis that differs is that of the keypoints. So this works for every architecture of the zoo:
heatmaps (one row per keypoint), offset maps (two) and SimCC (one).

Outputs of heatmap networks do not depend on each other, so a kept keypoint gives the same map as before (but
for rounding). In RTMPose the keypoints attend to each other: another order gives the same answers, but adding
or leaving out keypoints changes those of the rest a little until training has settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from superanimal.errors import InputError, ModelError
from superanimal.labels.labelled_set import LabelledSet
from superanimal.zoo.architectures import build_empty, build_network
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.pose_model import PoseModel

NEW = -1
"""In a list of channels: a keypoint that starts from random numbers."""
ENCODER = "backbone."
"""Tensors of the part that a new head is put on."""


def keypoint_axes(
    architecture: str, options: Mapping[str, Any], keypoints: int
) -> dict[str, tuple[int, int]]:
    """Return the axis of the keypoints, and the rows each keypoint has there, of every output tensor.

    Parameters
    ----------
    architecture, options
        As in :class:`~superanimal.zoo.ModelEntry`.
    keypoints
        K of the network.

    Raises
    ------
    ModelError
        When a tensor depends on the number of keypoints in two ways.
    """
    now, more = (build_empty(architecture, k, **options).state_dict() for k in (keypoints, keypoints + 1))
    axes = {}
    for name, tensor in now.items():
        grown = [
            axis for axis, (a, b) in enumerate(zip(tensor.shape, more[name].shape, strict=True)) if a != b
        ]
        if len(grown) > 1:
            raise ModelError(
                f"{name} of {architecture} has the keypoints on {len(grown)} axes",
                "an output tensor has them on one",
                "keep the keypoints of this model, or train with the method transfer",
            )
        if grown:
            axes[name] = (grown[0], more[name].shape[grown[0]] - tensor.shape[grown[0]])
    return axes


def rewire(
    state: Mapping[str, Tensor],
    axes: Mapping[str, tuple[int, int]],
    channels: Sequence[int],
    *,
    seed: int = 0,
) -> dict[str, Tensor]:
    """Return the tensors of a network with other outputs.

    Parameters
    ----------
    state
        Tensors by name; those without keypoints are passed on as they are.
    axes
        From :func:`keypoint_axes`.
    channels
        For each new output the old channel it is taken from, or :data:`NEW`. A channel may be taken more
        than once: a new keypoint may start as a copy of its neighbour.
    seed
        Of the random rows, which have the mean and the spread of the old ones.
    """
    index = torch.as_tensor(list(channels), dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    result = dict(state)
    for name, (axis, rows) in axes.items():
        old = state[name]
        place = (index.clamp_min(0)[:, None] * rows + torch.arange(rows)).flatten()
        tensor = old.index_select(axis, place.to(old.device))
        fresh = (index == NEW).repeat_interleave(rows)
        if fresh.any():
            shape = list(tensor.shape)
            shape[axis] = int(fresh.sum())
            noise = torch.randn(shape, generator=generator).to(old) * old.std() if old.numel() > 1 else 0
            tensor.movedim(axis, 0)[fresh.to(old.device)] = (old.mean() + noise).movedim(axis, 0)
        result[name] = tensor.contiguous()
    return result


def with_outputs(
    model: PoseModel, keypoints: Sequence[str], channels: Sequence[int], *, seed: int = 0
) -> PoseModel:
    """Return a model with other keypoints; the given model is not modified.

    Parameters
    ----------
    model
        A pose model with K keypoints.
    keypoints
        New names.
    channels
        For each the channel 0..K-1 it is taken from, or :data:`NEW`; see :func:`rewire`.
    seed
        Of the random rows.

    Raises
    ------
    InputError
        When a channel does not exist, or names and channels differ in number.
    """
    entry = model.entry
    if len(channels) != len(keypoints) or not keypoints:
        raise InputError(f"{len(channels)} channels for {len(keypoints)} keypoints", "one each, at least one")
    if wrong := [c for c in channels if not NEW <= c < entry.num_keypoints]:
        raise InputError(f"channels {wrong}", f"{entry.name} has the channels 0..{entry.num_keypoints - 1}")
    axes = keypoint_axes(entry.architecture, entry.options, entry.num_keypoints)
    state = rewire(model.network.state_dict(), axes, channels, seed=seed)
    return PoseModel(own_entry(entry, keypoints), _filled(entry, len(keypoints), state)).to(model.device)


def with_fresh_head(model: PoseModel, keypoints: Sequence[str], *, seed: int = 0) -> PoseModel:
    """Return a model with the encoder of the given one and everything behind it random.

    This is the paper's transfer learning with a "randomly initialised decoder".
    """
    state = {name: tensor for name, tensor in model.network.state_dict().items() if name.startswith(ENCODER)}
    if not state:
        raise ModelError(
            f"{model.entry.name} has no tensors named {ENCODER}*", "transfer keeps the encoder of a network"
        )
    network = random_network(model.entry, len(keypoints), seed)
    network.load_state_dict(state, strict=False)
    return PoseModel(_uncalibrated(own_entry(model.entry, keypoints)), network).to(model.device)


def from_scratch(entry: ModelEntry, keypoints: Sequence[str], *, seed: int = 0) -> PoseModel:
    """Return a model of the architecture of an entry with random weights."""
    network = random_network(entry, len(keypoints), seed)
    return PoseModel(_uncalibrated(own_entry(entry, keypoints)), network)


def random_network(entry: ModelEntry, keypoints: int, seed: int) -> nn.Module:
    """Build the network of an entry for K keypoints; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_network(entry.architecture, keypoints, **entry.options)


def own_entry(entry: ModelEntry, keypoints: Sequence[str]) -> ModelEntry:
    """Return the entry of a user's model that descends from another: same crops, head and detectors."""
    names = tuple(map(str, keypoints))
    same = names == entry.keypoints
    return replace(
        entry,
        num_keypoints=len(names),
        space=entry.space if same else "",
        keypoint_names=() if same and entry.space else names,
        embedded=False,
        repo="",
        filename="",
        aliases=(),
        revision=None,
        url="",
        sha256="",
        weights=None,
    )


def _uncalibrated(entry: ModelEntry) -> ModelEntry:
    """Return an entry whose confidences are raw: a calibration belongs to the head it was fitted on."""
    return replace(entry, head=replace(entry.head, calibration=None))


def nearest_mapped(labelled: LabelledSet, mapped: Sequence[str]) -> dict[str, str]:
    """Return, for each keypoint of a data set that is not mapped, the mapped one that lies nearest to it.

    Nearest is the smallest median distance over the animals that have both; keypoints never seen together
    with a mapped one are left out.
    """
    known = [labelled.keypoints.index(name) for name in mapped]
    found: dict[str, str] = {}
    for k, name in enumerate(labelled.keypoints):
        if name in mapped or not known:
            continue
        distance = np.linalg.norm(labelled.xy[:, known] - labelled.xy[:, k, None], axis=-1)
        typical = np.array([_median(column) for column in distance.T])
        if np.isfinite(typical).any():
            found[name] = mapped[int(np.nanargmin(typical))]
    return found


def _median(values: NDArray[np.floating[Any]]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def _filled(entry: ModelEntry, keypoints: int, state: Mapping[str, Tensor]) -> nn.Module:
    network = build_empty(entry.architecture, keypoints, **entry.options)
    network.load_state_dict({name: tensor.detach().clone() for name, tensor in state.items()}, assign=True)
    return network
