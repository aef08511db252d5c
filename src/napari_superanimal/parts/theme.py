"""The colours of napari's theme, for what is painted by hand."""

from __future__ import annotations

from typing import Any

from napari.utils.theme import get_theme


def theme_colors(viewer: Any) -> tuple[str, str]:
    """Return the colours of text and background of the theme, ``#rrggbb``."""
    theme = get_theme(viewer.theme)
    return theme.text.as_hex(format="long"), theme.background.as_hex(format="long")
