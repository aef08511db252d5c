"""The list of models: those of ``catalog.yaml`` and those the user imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from superanimal.errors import InputError, ModelError, unknown_name
from superanimal.settings import parse
from superanimal.zoo.entry import Licence, ModelEntry, parse_entry
from superanimal.zoo.folder import ENTRY_FILE, read_entry
from superanimal.zoo.home import models_home


class Catalog(Mapping[str, ModelEntry]):
    """Models by name, in the order of the catalogue."""

    def __init__(self, entries: Mapping[str, ModelEntry], licences: Mapping[str, Licence]) -> None:
        self._entries = dict(entries)
        self.licences = dict(licences)

    def __getitem__(self, name: str) -> ModelEntry:
        if name not in self._entries:
            raise unknown_name("model", name, self._entries)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def of_kind(self, kind: str) -> list[ModelEntry]:
        """Return the entries of kind ``"pose"`` or ``"detector"``."""
        return [entry for entry in self._entries.values() if entry.kind == kind]

    def by_file(self, file_name: str) -> ModelEntry | None:
        """Return the entry whose weights have this file name, or None."""
        for entry in self._entries.values():
            if file_name in entry.file_names:
                return entry
        return None


def load_catalog() -> Catalog:
    """Return all models: those this version knows and those imported on this computer.

    Raises
    ------
    ModelError
        When the record of an imported model is damaged.
    """
    shipped = shipped_catalog()
    entries = {name: shipped[name] for name in shipped}
    for record in sorted((models_home() / "imported").glob(f"*/{ENTRY_FILE}")):
        entries.setdefault(record.parent.name, read_entry(record.parent, shipped.licences))
    return Catalog(entries, shipped.licences)


def list_models() -> list[str]:
    """Return the names of the pose models, those of :func:`superanimal.analyze` and :func:`load_model`.

    ``superanimal models list`` shows whether the weights of a model are on this computer.

    Examples
    --------
    >>> "mini_topviewmouse" in list_models()
    True
    """
    return [entry.name for entry in load_catalog().of_kind("pose")]


def get_entry(name: str) -> ModelEntry:
    """Return the entry of a model by name.

    Raises
    ------
    NotFoundError
        When there is none; the message suggests similar names. A name is never replaced silently.
    """
    return load_catalog()[name]


@cache
def shipped_catalog() -> Catalog:
    """Return the models of ``catalog.yaml``."""
    text = (resources.files("superanimal.zoo") / "catalog.yaml").read_text("utf-8")
    return parse_catalog(yaml.safe_load(text))


def parse_catalog(document: Any) -> Catalog:
    """Turn a parsed YAML document with ``licences`` and ``models`` into a :class:`Catalog`.

    Raises
    ------
    InputError
        When an entry breaks a rule, or names a detector that is not there.
    """
    licences = {
        name: parse(Licence, {"name": name, **fields}, f"licence {name!r}")
        for name, fields in document["licences"].items()
    }
    entries = {name: parse_entry(name, fields, licences) for name, fields in document["models"].items()}
    for entry in entries.values():
        named = {*entry.detectors, *([entry.default_detector] if entry.default_detector else [])}
        for detector in named:
            if detector not in entries or entries[detector].kind != "detector":
                raise InputError(
                    f"model {entry.name!r} names the detector {detector!r}", "which does not exist"
                )
    return Catalog(entries, licences)


def resolve_detector(pose: ModelEntry, name: str | None = None) -> ModelEntry:
    """Return the detector for a pose model: the default one, or one by full or short name.

    ``"ssdlite"`` for ``superanimal_quadruped_hrnet_w32`` means ``superanimal_quadruped_ssdlite``.

    Raises
    ------
    NotFoundError
        When there is no such detector.
    ModelError
        When the pose model has no default detector, or the name is that of a pose model.
    """
    catalog = load_catalog()
    if name is None:
        if not pose.default_detector:
            raise ModelError(
                f"model {pose.name} has no default detector",
                remedy="name a detector, give boxes, or use the whole frame",
            )
        return catalog[pose.default_detector]
    short = [full for full in pose.detectors if full.endswith(f"_{name}")]
    entry = catalog[short[0]] if name not in catalog and len(short) == 1 else catalog[name]
    if entry.kind != "detector":
        raise ModelError(f"model {name} is a pose model", remedy=f"detectors: {', '.join(pose.detectors)}")
    return entry
