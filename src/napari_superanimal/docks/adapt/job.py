"""The adaptation of a model as the viewer sees it."""

from __future__ import annotations

from napari_superanimal.jobs import ChildJob


class AdaptJob(ChildJob):
    """The adaptation of a model to a video.

    ``result`` holds ``kept``, ``model`` (what to analyse with), ``verdict`` and ``folder``, once finished.
    """

    name = "adaptation"
    unit = "steps"
    kept = "Resume goes on from there."
    remedy = "What was done is kept: press Resume. If memory ran out, close other programs first."
    grace_ms = 60_000
