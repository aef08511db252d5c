"""The location of weights and licence acceptances on this computer.

``SUPERANIMAL_HOME`` names the folder; otherwise it is the user's data folder. Inside::

    models/hub/...             downloads, in the layout of huggingface_hub
    models/files/...           downloads from elsewhere and files taken from an offline folder
    models/imported/NAME/      entry.yaml and the weights of an imported model
    models/registry.json       digest of every weight file, recorded on first use
    licences.json              accepted licences, with dates
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from superanimal.errors import ModelError
from superanimal.files import atomic_write


def home() -> Path:
    """Return the folder of this project on this computer (not created here)."""
    named = os.environ.get("SUPERANIMAL_HOME")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("superanimal", appauthor=False)


def models_home() -> Path:
    """Return the folder of downloaded and imported weights (not created here)."""
    return home() / "models"


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON mapping; a file that does not exist is an empty one.

    Raises
    ------
    ModelError
        When the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read ({error})", remedy="delete it; it is created again"
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no mapping", remedy="delete it; it is created again")
    return content


def update_json(path: Path, key: str, value: Any) -> None:
    """Set one key of a JSON mapping on disk, atomically."""
    content = read_json(path)
    content[key] = value
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True), "utf-8")
