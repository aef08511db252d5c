"""The four methods to adapt a model to a user's labels (Ye et al. 2024, Fig. 1d and Methods).

=============  =======================  ==============================  =========================
method         encoder                  decoder                         keypoints of the result
=============  =======================  ==============================  =========================
scratch        random                   random                          the user's
transfer       the model's or ImageNet  random                          the user's
finetune       the model's              the model's, mapped keypoints   the user's
memory-replay  the model's              the model's, all keypoints      the model's, and new ones
=============  =======================  ==============================  =========================

Fine-tuning gives the user's keypoints only: the model's others get no gradient of their own, drift with the
shared features (the paper counts up to 10 of 27 lost) and would look as good as before. ``outputs="space"``
keeps them anyway, to measure the drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from superanimal.errors import InputError, unknown_name
from superanimal.keypoints.conversion_table import Cell, ConversionTable, require_sound, side
from superanimal.keypoints.projection import project
from superanimal.keypoints.spaces import DEFAULT_COLOR, DEFAULT_SIGMA, extend_space, pairs_by_name
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import KeypointSpace
from superanimal.training.finetuning.methods import (
    Length,
    Method,
    Outputs,
    find_method,
    length_settings,
    usual_batch,
)
from superanimal.training.loop.recipe import Recipe, parse_recipe
from superanimal.training.model_folder import space_of
from superanimal.training.networks.heads import (
    NEW,
    from_scratch,
    nearest_mapped,
    with_fresh_head,
    with_outputs,
)
from superanimal.training.networks.new_model import load_imagenet
from superanimal.zoo.architectures import module_of
from superanimal.zoo.pose_model import PoseModel

ENCODERS = ("model", "imagenet")
FEW = 64
"""Number of animals below which training uses conservative settings."""
SIDE_VIEW_ROTATION = 30.0
"""Rotation in degrees for animals seen from above: any angle."""


@dataclass(frozen=True)
class Start:
    """The starting point of a training.

    Attributes
    ----------
    method
        Training method.
    model
        Starting weights; its keypoints are those of ``space``.
    space
        Keypoints of the result.
    labelled
        The user's labels over these keypoints; what they do not define is -1.
    zero_shot
        Keypoint of the base model for each labelled keypoint that it knows, to compare with.
    new
        Labelled keypoints unknown to the base model, with the keypoint each starts from (or empty).
    from_above
        Whether the base model is for top views, so that images may be rotated by any angle.
    table
        Brings labels of the user into ``space``; None when they are in it already.
    notes
        Notes for the user.
    """

    method: Method
    model: PoseModel
    space: KeypointSpace
    labelled: LabelledSet
    zero_shot: dict[str, str]
    new: dict[str, str]
    from_above: bool
    table: ConversionTable | None = None
    notes: tuple[str, ...] = ()

    def project(self, labelled: LabelledSet) -> LabelledSet:
        """Project other labels with the user's keypoints into the space."""
        if self.table is None:
            return labelled
        column = next(iter(self.table.columns))
        return replace(project(labelled, self.space, self.table, column), name=labelled.name)


def prepare(
    labelled: LabelledSet,
    base: PoseModel,
    method: str | Method,
    table: ConversionTable,
    *,
    column: str | None = None,
    outputs: Outputs | None = None,
    encoder: Literal["model", "imagenet"] = "model",
    seed: int = 0,
) -> Start:
    """Prepare labels and model for a method.

    Parameters
    ----------
    labelled
        The user's labels, in the user's keypoints.
    base
        The pretrained model, which is not modified. ``scratch`` uses only its architecture.
    method
        One of :data:`superanimal.training.finetuning.methods.METHODS`.
    table
        Mapping between model and user keypoints. It may be partial: user keypoints that are not mapped become
        new ones, which start as a copy of the nearest mapped keypoint.
    column
        Column of the table; by default the name of the data set.
    outputs
        Keypoints of the result; by default those of the method.
    encoder
        ``"imagenet"``: the encoder of ``transfer`` starts from ImageNet weights instead of the model's.
    seed
        Of random weights.

    Raises
    ------
    InputError
        When the table does not match, or the options contradict each other.
    """
    method = find_method(method) if isinstance(method, str) else method
    outputs = outputs or method.outputs
    if outputs not in get_args(Outputs):
        raise unknown_name("outputs", outputs, get_args(Outputs))
    if encoder not in ENCODERS:
        raise unknown_name("encoder", encoder, ENCODERS)
    if outputs == "space" and not method.decoder:
        raise InputError(
            f"outputs 'space' with the method {method.name}",
            "a random head has only the labelled keypoints",
            "use the method finetune or memory-replay",
        )
    if outputs == "labelled" and method.name == "memory-replay":
        raise InputError(
            "outputs 'labelled' with memory-replay",
            "memory replay exists to keep the other keypoints",
            "use the method finetune for your keypoints only",
        )
    if encoder == "imagenet" and method.name != "transfer":
        raise InputError(
            f"ImageNet weights with the method {method.name}", "only transfer can start from them"
        )
    column = column or labelled.name
    known = space_of(base.entry)
    cells = table.column(column)
    if cells or method.decoder:  # a new head needs no counterpart
        require_sound(table, known, {column: labelled.keypoints})
    mapped = {own: master for master, cell in cells.items() for own in cell.names}
    near = nearest_mapped(labelled, [name for name in labelled.keypoints if name in mapped])
    new = {name: near.get(name, "") for name in labelled.keypoints if name not in mapped}
    note = (f"new keypoints, not known to {base.entry.name}: {', '.join(new)}",) if new else ()
    above = known.name.startswith("topview")
    exact = {cell.names[0]: master for master, cell in cells.items() if len(cell.names) == 1}
    if outputs == "labelled":
        space = labelled_space(labelled, known, mapped)
        model = _model(
            labelled, base, method, mapped | {n: mapped[m] for n, m in new.items() if m}, encoder, seed
        )
        return Start(method, model, space, labelled, exact, new, above, notes=note)
    space, full, names = _extended(labelled, known, cells, column, new)
    channels = [*range(len(known)), *(known.index(mapped[m]) if m else NEW for m in new.values())]
    model = with_outputs(base, space.keypoints, channels, seed=seed)
    start = Start(
        method,
        model,
        space,
        labelled,
        zero_shot={master: master for master in cells},
        new={names[name]: near for name, near in new.items()},
        from_above=above,
        table=full,
        notes=note,
    )
    return replace(start, labelled=start.project(labelled))


def labelled_space(labelled: LabelledSet, known: KeypointSpace, mapped: Mapping[str, str]) -> KeypointSpace:
    """Return a space of the user's keypoints, with the properties of mapped ones from the model's space.

    The skeleton is that of the labels, if they have one.

    Parameters
    ----------
    mapped
        Keypoint of ``known`` of some of the user's.
    """
    own = labelled.keypoints
    back: dict[str, str] = {}
    for name in own:
        if name in mapped:
            back.setdefault(mapped[name], name)
    pairs = [(back[a], back[b]) for a, b in known.pairs if a in back and b in back]
    where = {name: known.index(master) for name, master in mapped.items()}
    edges = labelled.skeleton() or [(back[a], back[b]) for a, b in known.edges if a in back and b in back]
    return KeypointSpace(
        name=labelled.name,
        title=labelled.name,
        keypoints=own,
        edges=tuple(edges),
        pairs=(*pairs, *mirrored(own, pairs)),
        sigmas=np.array([known.sigmas[where[k]] if k in where else DEFAULT_SIGMA for k in own]),
        colors=tuple(known.colors[where[k]] if k in where else DEFAULT_COLOR for k in own),
    )


def mirrored(names: tuple[str, ...], pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the (left, right) pairs derived from the names of keypoints that are not yet paired."""
    paired = {name for pair in pairs for name in pair}
    return pairs_by_name([name for name in names if name not in paired])


def unpaired(space: KeypointSpace) -> list[str]:
    """Return the keypoints of one side without a mirror image, which prevent mirroring."""
    paired = {name for pair in space.pairs for name in pair}
    return [name for name in space.keypoints if side(name) and name not in paired]


def make_recipe(
    start: Start, animals: int, choices: Mapping[str, Any] | None = None, length: Length = "standard"
) -> Recipe:
    """Return the recipe of a method, with the user's choices overriding the defaults.

    Batch-norm statistics of the encoder stay as they are and learning rates are low when few frames are
    given, as in the paper (fewer than 64 images: statistics frozen, a tenth of the rate). With few frames the
    encoder's first two stages keep their weights too: a third less time per step on a CPU. In a quick
    training, what is behind the encoder learns twice as fast.

    Parameters
    ----------
    animals
        Number of labelled animals to train on.
    choices
        Settings of :class:`~superanimal.training.loop.recipe.Recipe`.
    length
        See :func:`superanimal.training.finetuning.methods.length_settings`.

    Raises
    ------
    InputError
        When a setting is unknown or wrong.
    """
    choices = dict(choices or {})
    keeps = start.method.decoder
    soft = start.model.head.kind == "simcc" or start.model.head.activation != "none"
    augmentation: dict[str, Any] = {
        "rotation": 180.0 if start.from_above else SIDE_VIEW_ROTATION,
        "flip": 0.0 if unpaired(start.space) else 0.5,
    }
    values: dict[str, Any] = {
        "batch": usual_batch(animals),
        "lr": (5e-4 if keeps else 1e-3) if soft else (5e-5 if keeps and animals < FEW else 5e-4),
        "backbone_factor": 0.3 if start.method.encoder else 1.0,
        "freeze": 2 if start.method.encoder and animals < FEW else 0,
        "freeze_norm": start.method.encoder,
        "patience": 8,
        "warmup": 25,
    }
    values |= length_settings(length, start.method, animals, start.model.entry.architecture)
    if choices.get("backbone_factor"):
        values.pop("reuse", None)
    elif not values["backbone_factor"]:
        values["lr"] *= 2
    if "epochs" in choices:
        values.pop("steps")
    augmentation |= dict(choices.pop("augmentation", {}))
    return parse_recipe({**values, **choices, "augmentation": augmentation})


def _model(
    labelled: LabelledSet,
    base: PoseModel,
    method: Method,
    source: Mapping[str, str],
    encoder: str,
    seed: int,
) -> PoseModel:
    """Return the starting weights for the user's keypoints; ``source`` is where each comes from."""
    own = labelled.keypoints
    if method.decoder:
        places = {name: k for k, name in enumerate(base.keypoints)}
        return with_outputs(base, own, [places[source[k]] if k in source else NEW for k in own], seed=seed)
    if method.encoder and encoder == "model":
        return with_fresh_head(base, own, seed=seed)
    model = from_scratch(base.entry, own, seed=seed)
    if encoder == "imagenet":
        entry = base.entry
        default = getattr(module_of(entry.architecture), "BACKBONE", entry.architecture)
        load_imagenet(model.network, entry.options.get("backbone", default))
    return model


def _extended(
    labelled: LabelledSet,
    known: KeypointSpace,
    cells: Mapping[str, Cell],
    column: str,
    new: Mapping[str, str],
) -> tuple[KeypointSpace, ConversionTable, dict[str, str]]:
    """Return the model's space with the user's new keypoints appended, the table into it, and their names."""
    names = {name: name if name not in known.keypoints else f"{name}_{labelled.name}" for name in new}
    space = known
    if names:
        added = tuple(names.values())
        space = extend_space(known, f"{known.name}+{labelled.name}", added, pairs=mirrored(added, []))
    full = {**cells, **{names[name]: Cell((name,)) for name in new}}
    return space, ConversionTable(space.keypoints, {column: full}, f"table of {labelled.name}"), names
