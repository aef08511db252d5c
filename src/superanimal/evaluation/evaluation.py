"""Evaluating predictions against labels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from superanimal.bootstrap import Interval, bootstrap
from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.evaluation import weighted
from superanimal.evaluation.cases import Cases, make_cases
from superanimal.evaluation.coco import Matches, match_animals
from superanimal.evaluation.errors import (
    PCK_LIMITS,
    PointErrors,
    Swaps,
    reference_lengths,
)
from superanimal.evaluation.names import match_names, read_map, side_pairs
from superanimal.evaluation.pairing import Pairs, pair_animals
from superanimal.evaluation.reliability import Reliability
from superanimal.evaluation.stability import is_video, stability
from superanimal.evaluation.tables import image_table, keypoint_table
from superanimal.keypoints.matching.offsets import leave_out
from superanimal.labels.labelled_set import LabelledSet, from_poses
from superanimal.labels.usable import usable, within_images
from superanimal.poses import KeypointSpace, get_provenance, load_space, make_provenance, space_for
from superanimal.poses.offsets import Offsets, as_offsets
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.zoo import PoseModel

PathLike = str | os.PathLike[str]
SIGMA = 0.1
"""OKS constant of keypoints that belong to no known space (DeepLabCut's default)."""
CUTOFF = 0.6
"""Minimum confidence for a keypoint to count as found (DeepLabCut's default)."""
GROUP_SAMPLES = 200
"""Maximum number of bootstrap samples per group."""


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Attributes
    ----------
    figures : dict of Interval
        Each figure with its confidence interval; docs/evaluate.md describes them.
    curves : dict of Interval
        ``PCK`` (51,) at the limits ``PCK_LIMITS``; ``AP`` (10,) at the OKS thresholds; ``share_right``,
        ``mean_confidence``, ``count`` (10,) of the reliability diagram.
    keypoints, images : list of dict
        One row per keypoint, one per image.
    groups : dict of dict of dict of Interval
        ``groups["video"][name][figure]`` and ``groups["source"]...``; only if there is more than one group.
    videos : list of dict
        Stability of each predicted video: ``name``, ``figures``, ``series``; empty for image sets.
    facts : dict
        Counts, keypoint names and sigmas, settings, provenance, and ``warnings``.
    labels, cases, pairs
        The compared data, for drawing.
    """

    figures: dict[str, Interval]
    curves: dict[str, Interval]
    keypoints: list[dict[str, Any]]
    images: list[dict[str, Any]]
    groups: dict[str, dict[str, dict[str, Interval]]]
    videos: list[dict[str, Any]]
    facts: dict[str, Any]
    labels: LabelledSet = field(repr=False)
    cases: Cases = field(repr=False)
    pairs: Pairs = field(repr=False)

    def __getitem__(self, figure: str) -> float:
        """Return the value of a figure, such as ``evaluation["AP"]``."""
        return float(self.figures[figure].value)

    def save(self, folder: PathLike, *, worst: int = 12) -> list[Path]:
        """Write evaluation.json, csv tables and report.html into a folder; see :mod:`.report`."""
        from superanimal.evaluation.report import save

        return save(self, Path(folder), worst)


def evaluate(
    predictions: PathLike | PoseModel | xr.Dataset | Sequence[PathLike | xr.Dataset],
    labels: PathLike | xr.Dataset | LabelledSet,
    *,
    keypoint_map: Mapping[str, str] | PathLike | None = None,
    space: PathLike | KeypointSpace | None = None,
    offsets: PathLike | Offsets | None = None,
    cutoff: float = CUTOFF,
    reference: tuple[str, str] | None = None,
    samples: int = 1000,
    level: float = 0.95,
    draw: str = "image",
    seed: int = 0,
    frame_offset: int = 0,
    same_video: bool = False,
    box_margin: float = 0.0,
    progress: Progress | None = None,
    **model_options: Any,
) -> Evaluation:
    """Compare predictions, or a model, with labels.

    Parameters
    ----------
    predictions
        A pose file or data set (several for several videos), a model name or weight file, or a loaded model.
    labels
        A labelled set, pose data set, file, or project folder.
    keypoint_map
        Mapping {label name: prediction name}, or a CSV file with these two columns; other keypoints are
        paired by name and synonym.
    space
        Keypoint space with sigmas and left/right pairs; by default guessed from the names.
    offsets
        Offsets of the model, or their file, applied to the predictions; images used to measure them are left
        out.
    cutoff
        Minimum confidence for a keypoint to count as found.
    reference
        Two labelled keypoints whose distance (median per video) is the unit of the normalised error; by
        default eye and nose, if labelled on animals seen from the side.
    samples, level, draw, seed
        Bootstrap: number of samples, confidence level, resampling unit (``"image"``, or ``"video"`` when
        neighbouring frames are similar), and random seed.
    frame_offset, same_video, box_margin
        See :func:`superanimal.evaluation.cases.make_cases`.
    progress
        Shows progress and can cancel.
    **model_options
        See :func:`superanimal.inference.labelled_images.predict_images`.

    Raises
    ------
    InputError, NotFoundError, FormatError, ModelError
        Each with a remedy.

    Examples
    --------
    >>> result = evaluate("videoDLC.h5", "project")  # doctest: +SKIP
    >>> result["mean_euclidean_px"], result.save("evaluation")  # doctest: +SKIP
    """
    if draw not in ("image", "video"):
        raise InputError(f"draw={draw!r}", "the bootstrap draws images or videos")
    if not 0 <= cutoff <= 1:
        raise InputError(f"cutoff {cutoff:g}", "a confidence lies in 0..1")
    if box_margin < 0:
        raise InputError(f"box margin {box_margin:g}", "0 or more pixels")
    progress = progress or Progress()
    labelled, notes = _on_images(load_labels(labels), predictions, progress)
    mapping = read_map(keypoint_map) if isinstance(keypoint_map, (str, os.PathLike)) else keypoint_map
    offsets = as_offsets(offsets)
    if offsets is not None:
        labelled, left_out = leave_out(labelled, offsets)
        notes += left_out
        table = {user: name for user, name in offsets.table.items() if user in labelled.keypoints}
        mapping = table | dict(mapping or {})
    predicted = _load_predictions(predictions, labelled, model_options, progress)
    if offsets is not None:
        predicted = [offsets.apply(ds) for ds in predicted]
    known = [str(name) for name in predicted[0]["keypoint"].values]
    if isinstance(space, (str, os.PathLike)):
        space = load_space(space)
    space = space or space_for(known) or space_for(labelled.keypoints)
    names = match_names(labelled.keypoints, known, mapping, space)
    cases = make_cases(
        labelled, predicted, names, frame_offset=frame_offset, same_video=same_video, box_margin=box_margin
    )
    pairs = pair_animals(cases)
    sigmas, sigma_note = _sigmas(names, space)
    ends = _reference(labelled.keypoints, reference, space)
    lengths = None
    if ends is not None:
        points = labelled.xy[cases.animal_rows][:, [labelled.keypoints.index(name) for name in ends]]
        lengths = reference_lengths(points.astype(float), [cases.videos[i] for i in cases.animal_image])
    sides = side_pairs(labelled.keypoints, names, space)
    score = _Score(cases, pairs, match_animals(cases, sigmas), lengths, sides, cutoff)

    groups = {"video": cases.videos, "source": cases.sources}
    split = {kind: sorted(set(of)) for kind, of in groups.items() if len(set(of)) > 1}
    few = min(samples, GROUP_SAMPLES)
    progress.start(2 * samples + few * sum(map(len, split.values())), "bootstrap", "draws")
    clusters = cases.videos if draw == "video" else [str(i) for i in range(len(cases))]
    common: dict[str, Any] = {"level": level, "seed": seed, "progress": progress}
    figures = bootstrap(score.figures, clusters, samples=samples, **common)
    curves = bootstrap(score.curves, clusters, samples=samples, **common)
    by_group = {
        kind: {
            name: bootstrap(
                score.figures,
                clusters,
                samples=few,
                members=np.array([v == name for v in groups[kind]]),
                **common,
            )
            for name in members
        }
        for kind, members in split.items()
    }
    progress.finish()
    videos = _videos(predicted, cutoff)
    facts = {
        "labels": {"name": labelled.name, "images": len(cases), "animals": len(cases.truth)},
        "labelled_images_without_prediction": int(len(np.unique(labelled.image_index)) - len(cases)),
        "labelled_keypoints": int(pairs.labelled.sum()),
        "keypoint_map": names,
        "labels_without_prediction": [name for name in labelled.keypoints if name not in names],
        "predictions_without_label": [name for name in known if name not in names.values()],
        "space": space.name if space else None,
        "sigmas": dict(zip(names, sigmas.tolist(), strict=True)),
        "reference": list(ends) if ends else None,
        "left_right_pairs": [list(pair) for pair in sides],
        "settings": {
            "cutoff": cutoff, "samples": samples, "level": level, "draw": draw, "seed": seed,
            "frame_offset": frame_offset, "box_margin": box_margin,
        },
        "predictions": [_describe(ds) for ds in predicted],
        "provenance": make_provenance("evaluate", predictions=[get_provenance(ds) for ds in predicted]),
    }  # fmt: skip
    facts["warnings"] = notes + _warnings(facts, cases, sigma_note, figures, draw)
    return Evaluation(
        figures=figures,
        curves=curves,
        keypoints=keypoint_table(pairs, list(names), cutoff),
        images=image_table(cases, pairs),
        groups=by_group,
        videos=videos,
        facts=facts,
        labels=labelled,
        cases=cases,
        pairs=pairs,
    )


class _Score:
    """All figures and curves as functions of the image weights."""

    def __init__(
        self,
        cases: Cases,
        pairs: Pairs,
        matches: Matches,
        lengths: np.ndarray | None,
        sides: list[tuple[str, str]],
        cutoff: float,
    ) -> None:
        self.pairs = pairs
        self.matches = matches
        self.errors = PointErrors(pairs, lengths, cutoff)
        numbers = [[cases.keypoints.index(a), cases.keypoints.index(b)] for a, b in sides]
        self.swaps = Swaps(pairs, np.array(numbers)) if sides else None
        reliability = Reliability(pairs)
        self.reliability = reliability if len(reliability) else None

    def figures(self, weights: np.ndarray) -> dict[str, float]:
        """Return every figure."""
        weight = weights[self.pairs.image]
        found = self.matches.summary(weights) | self.errors.summary(weights)
        found["missed_animals"] = weighted.mean((self.pairs.answer < 0).astype(float), weight)
        found["extra_animals"] = weighted.mean(self.pairs.extra.astype(float), weights)
        if self.swaps is not None:
            found |= self.swaps.summary(weights)
        if self.reliability is not None:
            found |= self.reliability.summary(weights)
        return found

    def curves(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return every curve."""
        curves = {
            "PCK": self.errors.pck(PCK_LIMITS, weights),
            "AP": self.matches.curves(weights)[0].mean(1),
        }
        return curves | (self.reliability.diagram(weights) if self.reliability is not None else {})


def load_labels(labels: PathLike | xr.Dataset | LabelledSet) -> LabelledSet:
    """Return labels as a labelled set: read from a path, converted from a pose data set, or unchanged."""
    if isinstance(labels, LabelledSet):
        return labels
    if isinstance(labels, xr.Dataset):
        return from_poses(labels)
    from superanimal.labels import read_labels

    return read_labels(labels)


def _on_images(labelled: LabelledSet, predictions: Any, progress: Progress) -> tuple[LabelledSet, list[str]]:
    """Return the usable labels, and a note on the others; a model needs the image files themselves."""
    there = labelled
    with suppress(NotFoundError):  # no image at all: running the model reports it, once the model is known
        there = (usable if _is_one_model(predictions) else within_images)(labelled, progress)
    return there, list(there.notes[len(labelled.notes) :])


def _load_predictions(
    predictions: Any, labels: LabelledSet, model_options: dict[str, Any], progress: Progress
) -> list[xr.Dataset]:
    """Return the pose data sets, running the model if one is given."""
    several = predictions if isinstance(predictions, (list, tuple)) else [predictions]
    if not several:
        raise InputError("no predictions", "give at least one pose file or a model")
    if _is_one_model(predictions):
        from superanimal.inference.labelled_images import predict_images

        return [predict_images(labels, several[0], progress=progress, **model_options)]
    if model_options:
        raise InputError(
            f"{', '.join(model_options)} given with existing predictions",
            "these options apply only to running a model",
        )
    from superanimal.formats import load_poses

    loaded = [one if isinstance(one, xr.Dataset) else load_poses(one) for one in several]
    first = loaded[0]["keypoint"].values.tolist()
    for ds in loaded[1:]:
        if ds["keypoint"].values.tolist() != first:
            raise InputError(
                f"{ds.attrs.get('source_file')}: keypoints differ from those of the first predictions",
                "predictions evaluated together must be from one model",
            )
    return loaded


def _is_one_model(predictions: Any) -> bool:
    """Whether a model, or a list with one model, is given."""
    if not isinstance(predictions, (list, tuple)):
        return _is_model(predictions)
    return len(predictions) == 1 and _is_model(predictions[0])


def _is_model(given: Any) -> bool:
    """Whether a model is given: a loaded one, a weight file, a model folder, or a name that is not a file."""
    if not isinstance(given, (str, os.PathLike)):
        return not isinstance(given, xr.Dataset)
    path = Path(given).expanduser()
    if not path.exists():
        if path.suffix and len(path.parts) > 1:
            raise FormatError(f"{path}: no such pose file or weight file")
        return True
    from superanimal.formats import recognise
    from superanimal.zoo.folder import is_model_folder

    if is_model_folder(path):
        return True
    return path.is_file() and path.suffix in (".pt", ".pth", ".safetensors") and recognise(path) is None


def _sigmas(names: Mapping[str, str], space: KeypointSpace | None) -> tuple[np.ndarray, str]:
    """Return the OKS constant of each scored label, and a note on those that use the default."""
    found, unknown = [], []
    for label, name in names.items():
        own = next((n for n in (name, label) if space is not None and n in space.keypoints), None)
        found.append(float(space.sigmas[space.index(own)]) if space is not None and own else SIGMA)
        if own is None:
            unknown.append(label)
    which = "all keypoints" if len(unknown) == len(names) else ", ".join(unknown)
    note = f"OKS sigma {SIGMA:g} (DeepLabCut's) for {which}: not in any keypoint space"
    return np.array(found), note if unknown else ""


def _reference(
    labelled: Sequence[str], reference: tuple[str, str] | None, space: KeypointSpace | None
) -> tuple[str, str] | None:
    """Return the two labels whose distance is the unit of the normalised error, if any."""
    if reference is not None:
        for name in reference:
            if name not in labelled:
                raise InputError(f"reference keypoint {name!r}", f"labelled are {', '.join(labelled)}")
        return reference
    if space is not None and space.name != "quadruped":
        return None
    plain = {name.lower().replace(" ", "_"): name for name in labelled}
    eye = next((plain[name] for name in ("eye", "right_eye", "left_eye") if name in plain), None)
    return (eye, plain["nose"]) if eye is not None and "nose" in plain else None


def _videos(predicted: Sequence[xr.Dataset], cutoff: float) -> list[dict[str, Any]]:
    found = []
    for ds in predicted:
        if is_video(ds):
            figures, series = stability(ds, cutoff)
            name = Path(ds.attrs.get("video_path") or ds.attrs.get("source_file") or "video").name
            found.append({"name": name, "figures": figures, "series": series})
    return found


def _describe(ds: xr.Dataset) -> dict[str, Any]:
    return {
        "file": Path(ds.attrs.get("source_file", "")).name,
        "video": Path(ds.attrs.get("video_path", "")).name,
        "software": ds.attrs.get("source_software", ""),
        "model": get_provenance(ds).get("model", ""),
        "rows": ds.sizes["time"],
    }


def _warnings(
    facts: dict[str, Any], cases: Cases, sigma_note: str, figures: dict[str, Interval], draw: str
) -> list[str]:
    """Return the caveats for readers of the figures."""
    found = [sigma_note] if sigma_note else []
    if facts["labelled_images_without_prediction"]:
        found.append(
            f"{facts['labelled_images_without_prediction']} labelled images have no prediction row; left out"
        )
    if facts["labels_without_prediction"]:
        found.append(
            f"labels not scored, no predicted counterpart: {', '.join(facts['labels_without_prediction'])}"
        )
    if np.isnan(figures["AP"].value):
        found.append("AP cannot be computed: no labelled animal has an area (a box, or two keypoints apart)")
    if len(cases) < 20:
        found.append(f"only {len(cases)} images: intervals are rough")
    frames_per_video = len(cases) / len(set(cases.videos))
    if draw == "image" and frames_per_video >= 100:
        found.append(
            f"{frames_per_video:.0f} images per video on average: neighbouring frames are alike, so true "
            "intervals are wider (draw videos instead when there are several)"
        )
    return found
