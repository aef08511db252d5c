"""What is said of choosing one of the videos or cameras in a file."""

from __future__ import annotations

from superanimal.errors import by_caller

CHOOSE = by_caller(
    "choose one by its name (video=...)",
    "choose one by its name (convert, evaluate, info, match, merge: --recording)",
    "open the video of one of them first: then the poses of that video are opened",
)
"""What to do about several recordings; SLEAP also counts them from 0."""
