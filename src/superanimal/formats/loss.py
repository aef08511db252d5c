"""The warning about what a written file lacks."""

from __future__ import annotations


class LossWarning(UserWarning):
    """A file was written in a format that cannot hold everything in the data set."""
