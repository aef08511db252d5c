"""Catalogue entries of models."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from superanimal.errors import InputError
from superanimal.settings import Settings, parse

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class HeadSpec(Settings):
    """How the raw heads of a pose network become coordinates and confidences.

    Attributes
    ----------
    kind
        ``"heatmap"``: ``heatmap`` (B, K, h, w) and perhaps ``locref`` (B, 2K, h, w) with x, y interleaved;
        ``"simcc"``: ``simcc_x`` (B, K, Wx) and ``simcc_y`` (B, K, Wy).
    stride
        Crop pixels per heatmap cell.
    activation
        ``"none"``: values are confidences already; ``"sigmoid"``; ``"softmax"`` over all cells (or bins).
    locref_std
        Crop pixels per unit of ``locref``; None when there are no offset maps.
    pixel_shift
        Subtracted from image coordinates so that pixel centres are integers; 0 for the released models,
        whose coordinates are kept exactly as DeepLabCut writes them.
    simcc_split
        Bins per crop pixel.
    simcc_temperature
        Factors (x, y) of the logits before the softmax.
    calibration
        Of a heatmap head: (a, b, c) of the logistic calibration (Platt 1999), confidence =
        sigmoid(a * logit(m) + b * v + c) with the heatmap's confidence m and the logit v of the network's
        ``visibility`` output (0 without one). None leaves m, times sigmoid(v) where there is such an output.
    """

    kind: Literal["heatmap", "simcc"] = "heatmap"
    stride: float = 4.0
    activation: Literal["none", "sigmoid", "softmax"] = "none"
    locref_std: float | None = None
    pixel_shift: float = 0.0
    simcc_split: float = 2.0
    simcc_temperature: tuple[float, float] = (1.0, 1.0)
    calibration: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Licence(Settings):
    """Terms of use of weights.

    Attributes
    ----------
    name
        Identifier, such as ``"superanimal-research"``.
    title, text, url
        Texts shown to the user.
    must_accept
        Whether the user has to accept the text once before a download.
    """

    name: str
    title: str
    text: str
    url: str = ""
    must_accept: bool = False


@dataclass(frozen=True)
class SearchSpec(Settings):
    """How the default detector of a pose model searches if its default look shows no confident animal.

    What an animal is worth is the score of its box times the mean confidence of the pose in it.

    Attributes
    ----------
    sizes
        Long sides in pixels to which a frame is scaled for a search.
    sure
        From this worth on an animal is not searched for any further.
    least
        Below this worth there is no animal.
    """

    sizes: tuple[int, ...]
    sure: float
    least: float


@dataclass(frozen=True)
class ModelEntry(Settings):
    """One model of the catalogue; see ``catalog.yaml`` for the values.

    Attributes
    ----------
    name
        Unique name, such as ``"superanimal_quadruped_hrnet_w32"``.
    kind
        ``"pose"`` or ``"detector"``.
    title
        Title, one line.
    space
        Name of the keypoint space; empty for a model with its own keypoints (see ``keypoint_names``).
    architecture, options
        Key of :data:`superanimal.zoo.architectures.ARCHITECTURES` and arguments of its ``build``.
    num_keypoints
        K for pose; for a detector the number of keypoints of the pose models it serves (0 when any).
    num_classes
        Of a detector, with the background; 0 for one without classes.
    input_size
        (width, height) in pixels of the crop (pose) or of the frame as the detector resizes it (0, 0 when
        it adapts to the frame).
    mean, std
        Of the normalisation after division by 255; for a detector the one done before the network, which
        normalises once more itself.
    head
        Decoding of a pose model.
    crop_margin
        Factor by which a box is enlarged before cropping.
    refine
        Whether a second look, at a crop set by the keypoints of the first, is worth its time: where boxes
        were the extent of the keypoints in training, and the detector's boxes are less exact.
    beyond_box
        Keypoints that may lie outside the box of a crop: the rest of them set it.
    appendages
        Keypoints that the box of a result leaves out, such as a long tail; it lies round the rest of the
        pose. With none the box is the detector's.
    limbs
        Pairs of legs that the network does not tell apart well in one picture, so that videos do over time:
        for each pair the (left, right) keypoints of the feet, of the joints above, and last of the roots,
        which are not sorted.
    repo, filename, aliases, revision, url
        Hub repository and file; other accepted file names; pinned revision; address when not on the hub.
    sha256
        Known digest (or its first digits) of the file; empty when unknown.
    licence, citation, paper
        Terms, how to cite, address of the paper.
    tensors
        Number of tensors in the state dict.
    detectors, default_detector
        Names of the detectors that suit a pose model.
    animal_class
        Detector label that counts as an animal.
    threshold, compatible_threshold
        Detector score from which a box counts: by default, and as DeepLabCut 3 does it.
    animal_px
        Least and largest long side in pixels of the animals' boxes in the training pictures; (0, 0) where
        that is not known.
    search
        How the default detector of a pose model searches, judged by this model's poses; None: not at all.
    reduced
        Backends that round whose error against labels was measured not to be higher: what ``auto`` may take.
    embedded
        Whether the weights ship inside the package.
    keypoint_names
        Keypoints in channel order for a model outside the shipped spaces.
    card
        Model card: data, figures and limits.
    weights
        File with the weights of an imported model.
    """

    name: str
    kind: Literal["pose", "detector"]
    title: str
    architecture: str
    licence: Licence
    space: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    num_keypoints: int = 0
    num_classes: int = 2
    input_size: tuple[int, int] = (0, 0)
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    head: HeadSpec = HeadSpec()
    crop_margin: float = 1.0
    refine: bool = False
    beyond_box: tuple[str, ...] = ()
    appendages: tuple[str, ...] = ()
    limbs: tuple[tuple[tuple[str, str], ...], ...] = ()
    repo: str = ""
    filename: str = ""
    aliases: tuple[str, ...] = ()
    revision: str | None = None
    url: str = ""
    sha256: str = ""
    citation: str = ""
    paper: str = ""
    tensors: int = 0
    detectors: tuple[str, ...] = ()
    default_detector: str = ""
    animal_class: int = 1
    threshold: float = 0.6
    compatible_threshold: float = 0.6
    animal_px: tuple[float, float] = (0.0, 0.0)
    search: SearchSpec | None = None
    reduced: tuple[str, ...] = ()
    embedded: bool = False
    keypoint_names: tuple[str, ...] = ()
    card: dict[str, Any] = field(default_factory=dict)
    weights: Path | None = None

    @property
    def keypoints(self) -> tuple[str, ...]:
        """The K keypoint names in channel order; empty for a detector."""
        if self.kind == "detector":
            return ()
        if self.keypoint_names:
            return self.keypoint_names
        if not self.space:
            return tuple(f"keypoint{i}" for i in range(self.num_keypoints))
        from superanimal.poses import load_space

        return load_space(self.space).keypoints

    @property
    def outputs(self) -> int:
        """Number of outputs with which the network is built."""
        return self.num_keypoints if self.kind == "pose" else self.num_classes

    @property
    def file_names(self) -> tuple[str, ...]:
        """Every file name under which the weights are accepted, the hub's own first."""
        return (self.filename, *self.aliases)

    @property
    def released(self) -> bool:
        """Whether the weights are downloaded from somebody else (and not embedded or imported)."""
        return not self.embedded and self.weights is None


def parse_entry(name: str, fields: dict[str, Any], licences: dict[str, Licence]) -> ModelEntry:
    """Turn one mapping of a YAML file into a :class:`ModelEntry`.

    Raises
    ------
    InputError
        When a field is unknown, missing, or names an unknown licence.
    """
    values = dict(fields)
    licence = str(values.get("licence", ""))
    if licence not in licences:
        raise InputError(f"model {name!r} names the licence {licence!r}", f"known: {', '.join(licences)}")
    values["licence"] = licences[licence]
    return parse(ModelEntry, {**values, "name": name}, f"model {name!r}")
