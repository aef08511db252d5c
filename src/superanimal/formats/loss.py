"""The warning about what a written file lacks."""

from __future__ import annotations


class LossWarning(UserWarning):
    """A file was written that cannot hold everything the data set knows."""
