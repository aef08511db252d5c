"""Wording of the remedy when a file holds several videos or cameras."""

from __future__ import annotations

from superanimal.errors import by_caller

CHOOSE = by_caller(
    "choose one by its name (video=...)",
    "choose one by its name (convert, evaluate, info, match, merge: --recording)",
    "open the video of one of them first: then the poses of that video are opened",
)
"""Remedy for a file with several recordings; SLEAP also numbers them from 0."""
