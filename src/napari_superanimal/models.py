"""Information about models for the forms: available models, licences, location of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_superanimal._settings import setting

if TYPE_CHECKING:
    from superanimal.poses import KeypointSpace
    from superanimal.zoo.entry import ModelEntry


#: Readable in the dark and light themes.
LINK_COLOR = "#3d94d9"


def pose_models() -> list[ModelEntry]:
    """Return all pose models, those that need no download first."""
    from superanimal.zoo.catalog import load_catalog

    return sorted(load_catalog().of_kind("pose"), key=lambda entry: entry.released)


def named_model() -> str:
    """Return the model set in the preferences, or the first one if that is automatic."""
    from superanimal.inference.options import AUTO

    name = str(setting("analysis", "model"))
    return pose_models()[0].name if name == AUTO else name


def detectors_of(entry: ModelEntry) -> list[ModelEntry]:
    """Return the detectors that suit a pose model."""
    from superanimal.zoo.catalog import load_catalog

    catalog = load_catalog()
    return [catalog[name] for name in entry.detectors]


def space_of(entry: ModelEntry) -> KeypointSpace:
    """Return the keypoint space of a model; without a skeleton if its keypoints are not of a known space."""
    from superanimal.keypoints.spaces import DEFAULT_COLOR, DEFAULT_SIGMA
    from superanimal.poses import KeypointSpace, load_space

    if entry.space:
        return load_space(entry.space)
    names = entry.keypoints
    sigmas = np.full(len(names), DEFAULT_SIGMA)
    return KeypointSpace(entry.name, entry.name, names, (), (), sigmas, (DEFAULT_COLOR,) * len(names))


def needs_acceptance(entry: ModelEntry) -> bool:
    """Return whether the licence of a model has to be accepted before it can be used."""
    from superanimal.zoo.licence import is_accepted

    return not is_accepted(entry.licence)


def short_title(entry: ModelEntry) -> str:
    """Return the title of a model without its location and the word detector, which are shown beside it."""
    title = entry.title or entry.name
    for words in (" (no download)", ", detector", " detector", " of torchvision"):
        title = title.replace(words, "")
    return title


def describe(entry: ModelEntry) -> str:
    """Return one line of rich text: keypoints, where the weights are, licence."""
    parts = []
    if entry.kind == "pose":
        parts.append(f"{entry.num_keypoints} keypoints")
    parts.append(where(entry))
    licence = entry.licence
    title = "research use only" if "research" in licence.name else licence.title.split(",")[0]
    link = f'<a href="{licence.url}" style="color: {LINK_COLOR}">{title}</a>'
    parts.append(link if licence.url else title)
    return " · ".join(parts)


def where(entry: ModelEntry) -> str:
    """Return where the weights of a model are, in words."""
    from superanimal.zoo.weights import find_file

    if find_file(entry) is not None:
        return "built in" if entry.embedded else "on this computer"
    return "missing from this installation" if entry.embedded else "to be downloaded"
