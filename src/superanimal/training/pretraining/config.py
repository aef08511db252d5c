"""The settings of a training run on many data sets: one YAML file.

Example::

    space: topviewmouse
    table: topviewmouse
    sources:
      - {path: ../data/openfield, name: dlc-openfield, weight: 2, licence: CC-BY-4.0}
      - {path: ../data/mine/config.yaml, name: mine, column: mine}
    held_out: [dlc-openfield]
    network: timm:convnext_atto
    input_size: [192, 192]
    split: {by: video, test: 0.1}
    recipe: {epochs: 210, batch: auto, lr: 5e-4}
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from superanimal.errors import InputError
from superanimal.settings import Settings, parse, read_yaml
from superanimal.training.loop.recipe import Recipe


@dataclass(frozen=True)
class Source(Settings):
    """One data set.

    Attributes
    ----------
    path
        Path that :func:`superanimal.labels.read_labels` can read, relative to the settings file.
    name
        Its name in reports; by default derived from the path.
    column
        Its column of the conversion table; by default its name.
    weight
        Relative sampling weight of its animals; 0 uses them only in the report.
    licence
        Licence of the images, if the files do not state it.
    images, video
        Folder of the images, video of the frames, if the files do not state them.
    format
        Format of the labels, if not recognised by content.
    min_confidence
        Minimum confidence of model predictions used as labels; without it, predictions are rejected.
    """

    path: Path
    name: str | None = None
    column: str | None = None
    weight: float = 1.0
    licence: str | None = None
    images: Path | None = None
    video: Path | None = None
    format: str | None = None
    min_confidence: float | None = None

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise InputError(f"sources: weight {self.weight:g} of {self.path}", "0 or more")
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InputError(
                f"sources: min_confidence {self.min_confidence:g} of {self.path}", "a confidence lies in 0..1"
            )


@dataclass(frozen=True)
class SplitSettings(Settings):
    """How the images are split; see :func:`superanimal.labels.splits.split_once`.

    Attributes
    ----------
    by
        Unit of the split.
    test
        Fraction of the images used for validation, that is, to choose the best weights and when to stop.
    stratify
        Groups within which the fraction is met.
    seed
        Of the draw.
    """

    by: Literal["image", "video", "animal", "source"] = "video"
    test: float = 0.1
    stratify: Literal["source", "category", "none"] = "source"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.test < 1:
            raise InputError(f"split.test {self.test:g}", "from 0 to below 1")


@dataclass(frozen=True)
class DetectorSettings(Settings):
    """A detector to train on the same images.

    Attributes
    ----------
    architecture, start
        See :func:`superanimal.training.networks.detector.new_detector`.
    frame_size
        (width, height) of the training frames; the centre-point detector sees frames of 320 pixels.
    recipe
        How to train it; by default as the pose network.
    """

    architecture: str = "mini_detector"
    start: Literal["imagenet", "random"] = "imagenet"
    frame_size: tuple[int, int] = (320, 320)
    recipe: Recipe | None = None


@dataclass(frozen=True)
class TrainConfig(Settings):
    """All settings of a run.

    Attributes
    ----------
    sources
        Data sets.
    recipe
        How to train.
    space
        Keypoint space: name, YAML file; None takes the union of the data sets' names.
    table
        Conversion tables, names or CSV files.
    network, activation, start
        What is trained, from which weights; see :func:`superanimal.training.networks.new_model.new_model`.
    base
        A model to continue from, instead of a network: name, weight file or folder. Its keypoints keep their
        channels, others get new ones.
    options
        Further arguments of the architecture.
    input_size
        (width, height) of the crops.
    crop_margin
        Factor by which a box is enlarged.
    held_out
        Sources that are never trained on; the finished model is measured on them.
    split
        Split of the other sources.
    duplicates
        Duplicate pictures: ``drop``, ``keep``, ``error`` or ``ignore``. If a picture is in a held-out source
        and another one, the held-out copy is kept.
    detector
        A detector to train on the same images, after the pose network; None for none.
    name, title
        Of the model; by default that of the output folder.
    out
        Folder of the run; by default beside the settings file, named after it.
    """

    sources: tuple[Source, ...]
    recipe: Recipe
    space: str | None = None
    table: str | tuple[str, ...] = ()
    network: str = "timm:tf_efficientnet_lite0"
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    start: Literal["imagenet", "random"] = "imagenet"
    base: str | None = None
    options: dict[str, str | int | float | bool] = field(default_factory=dict)
    input_size: tuple[int, int] = (256, 256)
    crop_margin: float = 1.25
    held_out: tuple[str, ...] = ()
    split: SplitSettings = field(default_factory=SplitSettings)
    duplicates: Literal["drop", "keep", "error", "ignore"] = "drop"
    detector: DetectorSettings | None = None
    name: str | None = None
    title: str | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        if not self.sources:
            raise InputError("no sources", "a run needs at least one data set")


def load_config(path: Path, **changes: Any) -> TrainConfig:
    """Read a settings file.

    Parameters
    ----------
    path
        YAML file; paths in it are relative to its folder.
    changes
        Settings that replace those of the file; ``recipe`` is a mapping that is merged into the file's.

    Raises
    ------
    NotFoundError
        When the file does not exist.
    InputError
        When a setting is unknown (similar known ones are suggested), missing or invalid.
    """
    document = read_yaml(path)
    recipe = dict(document.get("recipe") or {}) | dict(changes.pop("recipe", {}))
    config = parse(TrainConfig, {**document, **changes, "recipe": recipe})
    folder = path.resolve().parent

    def beside(given: Path | None) -> Path | None:
        return None if given is None else folder / given.expanduser()

    sources = tuple(
        replace(
            source,
            path=folder / source.path.expanduser(),
            images=beside(source.images),
            video=beside(source.video),
        )
        for source in config.sources
    )
    tables = (config.table,) if isinstance(config.table, str) else config.table
    return replace(
        config,
        sources=sources,
        table=tuple(_file_or_name(folder, table) for table in tables),
        space=None if config.space is None else _file_or_name(folder, config.space),
        base=None if config.base is None else _file_or_name(folder, config.base),
        out=beside(config.out) or folder / f"{path.stem}_model",
    )


def _file_or_name(folder: Path, text: str) -> str:
    """Return the path of a file beside the settings, or the text when there is none."""
    file = folder / text
    return str(file) if file.exists() else text
