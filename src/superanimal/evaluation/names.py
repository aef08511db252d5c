"""Matching predicted with labelled keypoints: by an explicit map, by name, by known synonyms."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from superanimal.errors import InputError, NotFoundError, unknown_name
from superanimal.poses import KeypointSpace, space_for


def match_names(
    labelled: Sequence[str],
    predicted: Sequence[str],
    mapping: Mapping[str, str] | None = None,
    space: KeypointSpace | None = None,
) -> dict[str, str]:
    """Return the predicted keypoint for every labelled keypoint that has a counterpart.

    The explicit map takes precedence. Names not in it are compared ignoring case, spaces, hyphens and
    underscores, then by the synonyms of the keypoint space.

    Parameters
    ----------
    labelled, predicted
        Labelled and predicted keypoint names.
    mapping
        Label name to prediction name; an empty prediction name leaves the label out.
    space
        Keypoint space whose synonyms are used; by default that of the predictions, else that of the labels.

    Raises
    ------
    NotFoundError
        When the map names a keypoint that does not exist.
    InputError
        When two labels match the same prediction, or no keypoint is left to score.
    """
    mapping = mapping or {}
    for label, name in mapping.items():
        if label not in labelled:
            raise unknown_name("labelled keypoint", label, labelled)
        if name and name not in predicted:
            raise unknown_name("predicted keypoint", name, predicted)
    space = space or space_for(predicted) or space_for(labelled)
    aliases = _aliases(space)
    by_plain = {_plain(name): name for name in predicted}
    by_alias = {aliases[_plain(name)]: name for name in predicted if _plain(name) in aliases}
    free = set(predicted) - set(mapping.values())
    found: dict[str, str] = {}
    for label in labelled:
        if label in mapping:
            name = mapping[label]
        else:
            plain = _plain(label)
            name = by_plain.get(plain) or by_alias.get(aliases.get(plain, ""), "")
            name = name if name in free else ""
        if name:
            found[label] = name
    for name in set(found.values()):
        rivals = [label for label, other in found.items() if other == name]
        if len(rivals) > 1:
            raise InputError(
                f"the labels {', '.join(rivals)} all correspond to the predicted keypoint {name}",
                "each prediction is scored against one label",
                f'leave out all but one of them by mapping them to "" (for example {{"{rivals[1]}": ""}})',
            )
    if not found:
        raise InputError(
            f"no labelled keypoint ({', '.join(labelled)}) has a counterpart among the predicted ones "
            f"({', '.join(predicted)})",
            "keypoints are compared by name and by the synonyms of the keypoint space",
            "match them with a keypoint map, for example snout,nose",
        )
    return found


def read_map(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read a keypoint map: a csv with two columns, label name and prediction name, with or without a header.

    Raises
    ------
    NotFoundError, InputError
        When there is no such file, a row is not two names, or a label appears twice.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"{path}: no such keypoint map")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    found: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        if not any(row) or (number == 1 and [cell.lower() for cell in row] == ["label", "prediction"]):
            continue
        if len(row) != 2 or not row[0]:
            raise InputError(
                f"{path}, line {number}: {','.join(row)!r}", "each line must be label,prediction"
            )
        if row[0] in found:
            raise InputError(f"{path}, line {number}: {row[0]} appears a second time", "one line per label")
        found[row[0]] = row[1]
    return found


def side_pairs(
    labelled: Sequence[str], found: Mapping[str, str], space: KeypointSpace | None
) -> list[tuple[str, str]]:
    """Return the (left, right) pairs among the scored labels, from the space or their names.

    Names form a pair if replacing left by right, or near by off (as used for horses), gives another label.
    """
    back = {name: label for label, name in found.items()}
    pairs = [(back[a], back[b]) for a, b in (space.pairs if space else ()) if a in back and b in back]
    taken = {name for pair in pairs for name in pair}
    plain = {name.lower(): name for name in labelled if name in found}
    for left, right in (("left", "right"), ("near", "off")):
        for name in plain.values():
            other = plain.get(name.lower().replace(left, right, 1))
            if left in name.lower() and other is not None and not {name, other} & taken:
                pairs.append((name, other))
                taken |= {name, other}
    return pairs


def _aliases(space: KeypointSpace | None) -> dict[str, str]:
    """Return the keypoint of the space for each normalised name."""
    if space is None:
        return {}
    names = {_plain(other): name for name, others in space.synonyms.items() for other in others}
    return names | {_plain(name): name for name in space.keypoints}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
