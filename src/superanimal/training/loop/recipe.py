"""Training settings: all options in one dataclass, filled from a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from superanimal.errors import InputError
from superanimal.settings import Settings, parse


@dataclass(frozen=True)
class Augmentation(Settings):
    """Strength of the augmentation; all values are redrawn for each sample.

    Attributes
    ----------
    flip
        Probability of mirroring left-right; the keypoint pairs of the space change places.
    rotation
        Largest rotation in degrees, either way: 180 for views from above, 30 or so from the side.
    scale
        Smallest and largest factor by which the animal is enlarged.
    shift
        Standard deviation of the crop's place, in parts of its side.
    erase
        Probability of covering one to three boxes of the crop (occlusion).
    brightness, contrast, saturation
        Largest change, as a part of the value.
    hue
        Largest turn of the hue, in parts of the colour circle.
    gamma
        Standard deviation of the logarithm of the gamma.
    gray
        Probability of a picture without colour.
    blur, motion_blur
        Probability of a Gaussian blur, and of a blur along a line.
    noise
        Largest standard deviation of Gaussian noise, in grey levels of 255.
    """

    flip: float = 0.5
    rotation: float = 180.0
    scale: tuple[float, float] = (0.75, 1.3)
    shift: float = 0.06
    erase: float = 0.25
    brightness: float = 0.25
    contrast: float = 0.25
    saturation: float = 0.2
    hue: float = 0.02
    gamma: float = 0.15
    gray: float = 0.1
    blur: float = 0.1
    motion_blur: float = 0.1
    noise: float = 8.0

    def __post_init__(self) -> None:
        for name in ("flip", "erase", "gray", "blur", "motion_blur"):
            _within(f"augmentation.{name}", getattr(self, name), 0, 1)
        for name in ("brightness", "contrast", "saturation"):
            _within(f"augmentation.{name}", getattr(self, name), 0, 1)
        _within("augmentation.rotation", self.rotation, 0, 180)
        _within("augmentation.shift", self.shift, 0, 0.5)
        _within("augmentation.hue", self.hue, 0, 0.5)
        _within("augmentation.gamma", self.gamma, 0, 1)
        _within("augmentation.noise", self.noise, 0, 255)
        low, high = self.scale
        if not 0.2 <= low <= 1 <= high <= 5:
            raise InputError(f"augmentation.scale {list(self.scale)}", "0.2 <= low <= 1 <= high <= 5")

    @classmethod
    def none(cls) -> Augmentation:
        """Return the settings that leave pictures as they are."""
        return cls(0, 0, (1, 1), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Recipe(Settings):
    """All options of a training run.

    Attributes
    ----------
    steps, epochs
        Length, in steps of the optimiser or in passes through the training data; one of them.
    batch
        Samples per step and device, or ``"auto"``: found by trying when the run begins.
    accumulate
        Batches whose gradients are added up for one step.
    lr
        Peak learning rate of everything behind the backbone.
    backbone_factor
        Learning rate of the backbone, as a part of ``lr``; 0 leaves it as it is.
    weight_decay
        Of AdamW (Loshchilov & Hutter 2019); biases and normalisation are exempt.
    schedule
        ``"cosine"`` to 1 % of the peak; ``"step"``: times 0.1 at each of ``milestones``; or ``"constant"``.
    milestones
        Parts of the run after which a step schedule drops (the paper: epochs 170 and 200 of 210).
    warmup
        Steps over which the rate rises to its peak; at most a tenth of the run.
    clip
        Largest norm of the gradient; 0 for none.
    ema
        Decay of the exponential moving average of the weights, which is what is validated and kept; 0 keeps
        the weights themselves. Early in the run the average is shorter.
    freeze
        Number of the backbone's first stages that keep their weights: stem and blocks up to stride 2**n.
        Much faster on a CPU.
    reuse
        With a backbone that keeps its weights (``backbone_factor`` 0): number of variants of each animal
        whose backbone features are computed once and kept in memory, 0.2 MB for a crop of 192 px; the
        training then runs on these. 0 computes them afresh for every sample.
    freeze_norm
        Keep the batch-norm statistics of the backbone; right for few images (< 64 in the paper).
    validate_every
        Steps of a round, after which there is a validation, a checkpoint and a line of the curves. None
        divides the run into up to 20 rounds of at least 25 steps. The run is rounded up to whole rounds.
    patience
        Stop after this many validations without a better held-out score; None never stops early.
    absent_weight
        How much a keypoint that is defined but not there (visibility 0, or outside the crop) counts, against
        1 for a labelled one; None: 0.1 for soft-max heatmaps and SimCC, 1 for others (the paper's rule).
    sigma
        Width of the Gaussian target in cells of the heatmap; None: 0.8 for soft-max heatmaps and SimCC, 2
        for others (the paper's, at 64 x 64 cells).
    source_weights
        Sampling weight of each data source; others have 1. A source of weight 2 is seen twice as often.
    balance
        ``"images"``: each animal equally often; ``"sources"``: each source equally often, whatever its size;
        ``"root"``: in proportion to the square root of its size.
    whole_frame
        One animal per image, the whole image instead of a box as the crop.
    augmentation
        How much pictures are varied.
    seed
        Of batches, augmentation and dropout.
    precision
        ``"auto"``: bfloat16 on a GPU that has it, half precision on others, single on the CPU; or
        ``"32"``, ``"16"``, ``"bf16"``.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    devices, nodes, strategy
        Number of devices per node and of nodes, and lightning's strategy (``"auto"``, ``"ddp"``, ...).
    workers
        Processes that prepare samples; None: none for the CPU or small sets, else up to 8.
    cache_gb
        Largest size of the cache of decoded crops on disk; a larger set is decoded every time.
    """

    steps: int | None = None
    epochs: float | None = None
    batch: int | Literal["auto"] = 16
    accumulate: int = 1
    lr: float = 1e-3
    backbone_factor: float = 0.3
    weight_decay: float = 0.01
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    milestones: tuple[float, ...] = (0.81, 0.95)
    warmup: int = 100
    clip: float = 5.0
    ema: float = 0.998
    freeze: int = 0
    reuse: int = 0
    freeze_norm: bool = True
    validate_every: int | None = None
    patience: int | None = None
    absent_weight: float | None = None
    sigma: float | None = None
    source_weights: dict[str, float] = field(default_factory=dict)
    balance: Literal["images", "sources", "root"] = "images"
    whole_frame: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    precision: Literal["auto", "32", "16", "bf16"] = "auto"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    workers: int | None = None
    cache_gb: float = 8.0

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise InputError(
                f"recipe: steps {self.steps} and epochs {self.epochs}",
                "exactly one of them must give the length of the training",
            )
        for name in ("steps", "epochs", "batch", "accumulate", "lr", "sigma", "devices", "nodes"):
            _positive(f"recipe.{name}", getattr(self, name))
        _positive("recipe.validate_every", self.validate_every)
        _positive("recipe.patience", self.patience)
        for name, high in (("backbone_factor", 1), ("ema", 0.999999), ("absent_weight", 10), ("warmup", 1e6)):
            _within(f"recipe.{name}", getattr(self, name) or 0, 0, high)
        for name in ("weight_decay", "clip", "freeze", "reuse", "cache_gb", "workers", "seed"):
            _within(f"recipe.{name}", getattr(self, name) or 0, 0, float("inf"))
        if self.reuse and self.backbone_factor:
            raise InputError(
                f"recipe.reuse {self.reuse} with backbone_factor {self.backbone_factor:g}",
                "features can be reused while the backbone keeps its weights: backbone_factor 0",
            )
        for milestone in self.milestones:
            _within("recipe.milestones", milestone, 0, 1)
        for source, weight in self.source_weights.items():
            _within(f"recipe.source_weights.{source}", weight, 0, float("inf"))

    def length(self, samples: int, batch: int) -> tuple[int, int]:
        """Return the number of rounds, and of optimiser steps in each.

        Parameters
        ----------
        samples
            Training animals.
        batch
            Samples per step and device.
        """
        if self.steps is not None:
            total = self.steps
        else:
            assert self.epochs is not None
            total = max(
                1, round(self.epochs * samples / (batch * self.accumulate * self.devices * self.nodes))
            )
        if self.validate_every is not None:
            every = min(total, self.validate_every)
            return -(-total // every), every
        rounds = -(-total // max(25, -(-total // 20)))
        return rounds, -(-total // rounds)

    def record(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self)


def parse_recipe(values: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Turn a mapping, as a YAML file holds it, into a :class:`Recipe`.

    Raises
    ------
    InputError
        When a setting is unknown (the nearest known ones are named), of a wrong type or out of its range.
    """
    return parse(Recipe, values, where)


def _positive(name: str, value: Any) -> None:
    if isinstance(value, (int, float)) and value <= 0:
        raise InputError(f"{name} {value:g}", "greater than 0")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} {value:g}", f"from {low:g} to {high:g}")
