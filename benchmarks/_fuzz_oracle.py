"""Whether points went to another frame, keypoint or animal without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from _fuzz_mutants import Damage
from _fuzz_verbs import Whole, plain

from superanimal.labels import LabelledSet, read_labels

Place = tuple[str, str, str]
"""Frame or image, keypoint and animal of a point."""
Points = dict[tuple[float, float], Place]


def silent_change(
    verb: str, result: Any, words: list[str], path: Path, known: Whole, done: Damage
) -> tuple[str, bool]:
    """Return what changed without a word (empty for nothing), and whether that is the damage itself.

    A point, known by its coordinates, must be found at the frame, keypoint and animal of the undamaged file;
    damage that leaves coordinates alone must not bring new ones. ``match`` must not pair other names.
    """
    if verb == "info" or {plain(word, path) for word in words} - known.words[verb]:
        return "", False
    if verb == "match":
        swapped = _pairs(result) - _pairs(known.results[verb])
        swapped = {(a, b) for a, b in swapped if a in known.results[verb].user_keypoints}
        return (f"pairs {sorted(swapped)[:4]}" if swapped else ""), done.named or done.values
    before = where_points_are(known.results[verb], known.sample.path)
    after = where_points_are(result, path)
    moved: list[set[tuple[str, str]]] = [set(), set(), set()]
    for point, new in after.items():
        if point not in before:
            continue
        for axis, (old_name, new_name) in enumerate(zip(before[point], new, strict=True)):
            names = {place[axis] for place in before.values()}
            if new_name != old_name and (axis == 0 or new_name in names):  # another name moves nothing
                moved[axis].add((old_name, new_name))
    frames, keypoints, animals = moved
    if not known.sample.identified:  # animals have no names, they are numbered in every image
        animals.clear()
    made_up = [] if done.values else [point for point in after if point not in before]
    changes = []
    for title, found in (("frames", frames), ("keypoints", keypoints), ("animals", animals)):
        if found:
            changes.append(f"{title} {sorted(found)[:4]}")
    if made_up:
        changes.append(f"coordinates {made_up[:3]}")
    if not changes:
        return "", False
    # a byte of text cannot turn one name into another; of binary data it can turn numbers of both
    allowed = 0 if known.sample.kind == "text" else done.edits
    few = len(frames) <= done.edits and max(len(keypoints), len(animals)) <= allowed and not made_up
    return "; ".join(changes), done.named or few


def where_points_are(result: Any, path: Path) -> Points:
    """Return where every point of a result is, by its coordinates to a tenth of a pixel.

    Of ``convert`` and ``merge`` the written file is read back.
    """
    if hasattr(result, "written"):
        return _of_labels(read_labels(result.written.path), path)
    if isinstance(result, LabelledSet):
        return _of_labels(result, path)
    if isinstance(result, xr.Dataset):
        return _of_poses(result, path)
    return _of_cases(result.cases)


def _of_labels(labels: LabelledSet, path: Path) -> Points:
    found: Points = {}
    for m, k in zip(*np.nonzero(labels.labelled), strict=True):
        image = labels.images[labels.image_index[m]]
        place = plain(image.label, path) if image.frame is None or image.inside else str(image.frame)
        found[_key(labels.xy[m, k])] = (Path(place).name, labels.keypoints[k], str(labels.individuals[m]))
    return found


def _of_poses(poses: xr.Dataset, path: Path) -> Points:
    found: Points = {}
    frames = poses["image" if "image" in poses.coords else "frame"].values
    names, animals = poses["keypoint"].values, poses["individual"].values
    values = poses["position"].transpose("time", "keypoint", "individual", "space").values
    for t, k, n in zip(*np.nonzero(np.isfinite(values[..., :2]).all(-1)), strict=True):
        found[_key(values[t, k, n])] = (plain(str(frames[t]), path), str(names[k]), str(animals[n]))
    return found


def _of_cases(cases: Any) -> Points:
    """Return the places of labels and predictions that were compared; animals have no names there."""
    found: Points = {}
    for i, k, p in zip(*np.nonzero(np.isfinite(cases.predicted).all(-1).swapaxes(1, 2)), strict=True):
        found[_key(cases.predicted[i, p, k])] = (Path(cases.images[i]).name, cases.keypoints[k], "")
    for m, k in zip(*np.nonzero(np.isfinite(cases.truth).all(-1)), strict=True):
        place = (Path(cases.images[cases.animal_image[m]]).name, cases.keypoints[k], "")
        if found.setdefault(_key(cases.truth[m, k]), place) != place:  # compared with that of another place
            found[_key(cases.truth[m, k])] = place
    return found


def _pairs(matching: Any) -> set[tuple[str, str]]:
    return {(pair.user, pair.model) for pair in matching.pairs}


def _key(xy: Any) -> tuple[float, float]:
    return round(float(xy[0]), 1), round(float(xy[1]), 1)
