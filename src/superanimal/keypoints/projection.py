"""Projecting a data set into a keypoint space, by its column of a conversion table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from superanimal.errors import InputError
from superanimal.keypoints.conversion_table import Cell, ConversionTable, identity_table, require_sound
from superanimal.labels.labelled_set import ABSENT, UNDEFINED, LabelledSet
from superanimal.poses import KeypointSpace


def project(
    labelled: LabelledSet,
    space: KeypointSpace,
    table: ConversionTable | None = None,
    column: str | None = None,
) -> LabelledSet:
    """Return the data set with the keypoints of a space.

    A keypoint of the space without a name in the table becomes undefined (-1); keypoints of the data set that
    are not in the table are dropped, with a note. Only the labels change.

    Parameters
    ----------
    table
        Conversion table; without one, the keypoint names must be those of the space.
    column
        Column of the data set; by default its name.

    Raises
    ------
    NotFoundError
        The table has no column for the data set.
    InputError
        The table has errors, or no table is given and no name matches.
    """
    column = column or labelled.name
    if table is None:
        table = identity_table(column, labelled.keypoints, space)
        if not table.columns[column]:
            raise InputError(
                f"{labelled.name}: none of its keypoints ({', '.join(labelled.keypoints[:6])}, ...) "
                f"is one of the space {space.name}",
                "without a table, keypoints are matched by name",
                "give a conversion table (superanimal tables draft proposes one)",
            )
    cells = table.column(column)
    require_sound(table, space, {column: labelled.keypoints})
    animals = labelled.n_individuals
    xy = np.full((animals, len(space), 2), np.nan, dtype=np.float32)
    visibility = np.full((animals, len(space)), UNDEFINED, dtype=np.int8)
    for master, cell in cells.items():
        k = space.index(master)
        own = [labelled.keypoints.index(name) for name in cell.names]
        xy[:, k], visibility[:, k] = join_points(labelled.xy[:, own], labelled.visibility[:, own], cell)
    used = {name for cell in cells.values() for name in cell.names}
    unused = [name for name in labelled.keypoints if name not in used]
    note = (f"{labelled.name}: not mapped and left out: {', '.join(unused)}",) if unused else ()
    return labelled.with_columns(
        keypoints=space.keypoints, xy=xy, visibility=visibility, notes=labelled.notes + note
    )


def join_points(
    xy: NDArray[np.float32], visibility: NDArray[np.int8], cell: Cell
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Combine several points into one.

    Parameters
    ----------
    xy, visibility
        Shapes (M, J, 2) and (M, J): the J points named by a cell.
    cell
        The rule ``mean`` requires all J points to be labelled, ``first`` any one of them.

    Returns
    -------
    tuple
        Shapes (M, 2) and (M,).
    """
    marked = visibility > 0
    rows = np.arange(len(xy))
    if cell.rule == "mean" and len(cell.names) > 1:
        whole: NDArray[np.bool_] = np.asarray(marked.all(1))
        defined = (visibility != UNDEFINED).all(1)
        point = np.where(whole[:, None], xy.mean(1, dtype=np.float64), np.nan)
        flag = np.where(whole, visibility.min(1), ABSENT)
    else:
        chosen = marked.argmax(1)
        whole = np.asarray(marked.any(1))
        defined = (visibility != UNDEFINED).any(1)
        point = np.where(whole[:, None], xy[rows, chosen], np.nan)
        flag = np.where(whole, visibility[rows, chosen], ABSENT)
    return point.astype(np.float32), np.where(defined, flag, UNDEFINED).astype(np.int8)
