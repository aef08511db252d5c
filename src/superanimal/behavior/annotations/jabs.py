"""JABS: labels of one video as JSON, per identity and behaviour.

Facts of the format: blocks have ``start`` and ``end`` in frames from 0, the end included; ``present`` false
means that the person saw that the animal does not do it. ``unfragmented_labels`` are the blocks as drawn,
``labels`` those in frames where the animal was found; the former are used where they exist.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping
from typing import Any

from superanimal.behavior.annotations.row import Row, frame_rate
from superanimal.errors import FormatError

ABSENT = "not {}"
"""Label of the blocks in which a behaviour was seen to be absent."""


def is_jabs(document: Any) -> bool:
    """Return whether a JSON document holds labels of JABS."""
    return isinstance(document, dict) and "labels" in document and "num_frames" in document


def read_jabs(document: Mapping[str, Any], path: str | os.PathLike[str], fps: float | None) -> list[Row]:
    """Return the blocks of all identities.

    Raises
    ------
    FormatError
        When the frame rate is unknown or a block has no start and end.
    """
    rate, rows = frame_rate(fps, path), list[Row]()
    names = document.get("external_identities") or {}
    for identity, behaviors in (document.get("unfragmented_labels") or document["labels"]).items():
        individual = str(names.get(identity, identity)) if isinstance(names, Mapping) else str(identity)
        for behavior, blocks in behaviors.items():
            for number, block in enumerate(blocks):
                place = f"{behavior!r} of identity {identity}, block {number}"
                try:
                    start, end = float(block["start"]), float(block["end"])
                except (KeyError, TypeError, ValueError, OverflowError) as error:
                    raise FormatError(
                        f"{path}, {place}: {reprlib.repr(block)}", "a block has start and end, frames from 0"
                    ) from error
                if not (start.is_integer() and end.is_integer()):
                    raise FormatError(
                        f"{path}, {place}: from {start:g} to {end:g}", "start and end are whole frames from 0"
                    )
                label = behavior if block.get("present", True) else ABSENT.format(behavior)
                rows.append(
                    Row(
                        start / rate, (end + 1) / rate, label, place, individual=individual,
                        rater=str(document.get("labeler") or ""), video=str(document.get("file", "")),
                    )
                )  # fmt: skip
    return rows
