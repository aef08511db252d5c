"""The sample files that ship with the package: rendered videos with exact ground truth."""

from __future__ import annotations

from pathlib import Path

from superanimal.errors import unknown_name

SAMPLE_FOLDER = Path(__file__).parent / "sample_data"
"""Folder of the sample files (created by ``python -m superanimal.synth.samples``)."""


def sample_names() -> list[str]:
    """Names of all sample files, sorted."""
    return sorted(p.name for p in SAMPLE_FOLDER.iterdir() if p.suffix in {".mp4", ".h5", ".csv"})


def sample_path(name: str) -> Path:
    """Path of a sample file.

    Parameters
    ----------
    name
        File name, for example ``"topview_mouse.mp4"``; see :func:`sample_names`.

    Raises
    ------
    NotFoundError
        When the sample does not exist.
    """
    names = sample_names()
    if name not in names:
        raise unknown_name("sample file", name, names)
    return SAMPLE_FOLDER / name
