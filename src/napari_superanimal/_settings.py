"""User settings from Preferences > Plugins, with defaults for napari versions without plugin settings."""

from __future__ import annotations

from typing import Any

PLUGIN = "napari-superanimal"
#: Defaults, the same as in napari.yaml (a test compares them).
DEFAULTS: dict[str, dict[str, Any]] = {
    "analysis": {"model": "auto", "device": "auto"},
    "display": {"cutoff": 0.3, "point_size": 0.0, "trail_length": 25},
}


def setting(category: str, key: str) -> Any:
    """Return the value of a setting, such as ``setting("display", "cutoff")``."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:  # napari before 0.9
        return DEFAULTS[category][key]
    try:
        return getattr(getattr(get_plugin_settings(PLUGIN), category), key)
    except (KeyError, AttributeError):  # the plugin is disabled or not registered
        return DEFAULTS[category][key]
