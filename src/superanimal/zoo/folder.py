"""A model as a folder: ``entry.yaml``, with the fields of a catalogue entry, beside its weights.

Imported and trained models are stored this way, so that a trained model can be used directly from its folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from superanimal.errors import InputError, ModelError
from superanimal.files import atomic_write
from superanimal.zoo.entry import Licence, ModelEntry, parse_entry

ENTRY_FILE = "entry.yaml"
EXTRA_FILES = ("space.yaml", "training.json", "curves.csv", "card.md")
"""Further files of a trained model, which are copied with it."""


def is_model_folder(path: Path) -> bool:
    """Whether a folder holds a model."""
    return (path / ENTRY_FILE).is_file()


def read_entry(folder: Path, licences: Mapping[str, Licence]) -> ModelEntry:
    """Return the entry of the model in a folder; by default it is named after the folder.

    Raises
    ------
    ModelError
        When there is none, or it is damaged.
    """
    try:
        fields = yaml.safe_load((folder / ENTRY_FILE).read_text("utf-8"))
        fields["weights"] = folder / fields.pop("file")
        return parse_entry(fields.pop("name", folder.resolve().name), fields, dict(licences))
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, InputError) as error:
        raise ModelError(
            f"the record of the model in {folder} is damaged ({error})",
            remedy=f"delete the folder {folder} and import or train the model again",
        ) from error


def write_entry(entry: ModelEntry, weights: Path) -> Path:
    """Write the entry of a model beside its weights; only what differs from the defaults."""
    fields = entry_fields(entry) | {"file": weights.name}
    if entry.name == weights.resolve().parent.name:
        fields.pop("name")
    target = weights.parent / ENTRY_FILE
    with atomic_write(target) as temporary:
        temporary.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True), "utf-8")
    return target


def entry_fields(entry: ModelEntry) -> dict[str, Any]:
    """Return the fields of an entry that differ from the defaults, as plain values; without its file.

    ``reduced`` is left out: it was measured with other weights.
    """
    fields: dict[str, Any] = asdict(replace(entry, reduced=()))
    defaults = asdict(ModelEntry("", entry.kind, "", "", entry.licence))
    fields = {key: value for key, value in fields.items() if value != defaults.get(key)}
    fields |= {"licence": entry.licence.name, "kind": entry.kind}
    fields.pop("weights", None)
    plain: dict[str, Any] = _plain(fields)
    return plain


def _plain(value: Any) -> Any:
    """Turn tuples into lists, for YAML."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value
