"""What lies in the folder of an adaptation; imports nothing heavy, so that the viewer can read it."""

from __future__ import annotations

RECORD = "adaptation.json"
PAGE = "report.html"
RUN = "training"
CLIP = "before_after.mp4"
MEMORY = "looks.npz"
BEFORE, AFTER = "before.nc", "after.nc"
"""Poses of both models in the held-out frames of the first video."""
