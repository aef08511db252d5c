"""Terms of use: shown once, accepted once, and recorded."""

from __future__ import annotations

import hashlib

from superanimal.errors import ModelError, by_caller
from superanimal.zoo.entry import Licence, ModelEntry
from superanimal.zoo.home import home, read_json, update_json

_FILE = "licences.json"


def is_accepted(licence: Licence) -> bool:
    """Whether the terms need no acceptance, or their current wording was accepted on this computer."""
    if not licence.must_accept:
        return True
    record = read_json(home() / _FILE).get(licence.name)
    return isinstance(record, dict) and record.get("text_sha256") == _digest(licence)


def accept(licence: Licence) -> None:
    """Record that the user accepts the terms."""
    from superanimal.poses.provenance import timestamp

    record = {"title": licence.title, "text_sha256": _digest(licence), "accepted": timestamp()}
    update_json(home() / _FILE, licence.name, record)


def require(entry: ModelEntry, accept_license: bool = False) -> None:
    """Raise unless the terms of a model are accepted.

    Parameters
    ----------
    entry
        The model.
    accept_license
        The user accepts the terms with this call; this is recorded.

    Raises
    ------
    ModelError
        When they are not accepted; the message contains the text.
    """
    if is_accepted(entry.licence):
        return
    if accept_license:
        accept(entry.licence)
        return
    raise ModelError(
        f"the licence of {entry.name} has not been accepted on this computer: {notice(entry)}",
        "the weights have their own licence, which must be accepted once",
        by_caller(
            "accept them with accept_license=True",
            f"accept them with: superanimal models download {entry.name} --accept-license",
            "tick 'I accept this licence' below the model",
        ),
    )


def notice(entry: ModelEntry) -> str:
    """Return the terms and the citation of a model as text."""
    licence = entry.licence
    parts = [f"{licence.title}. {licence.text}"]
    if licence.url:
        parts.append(f"See {licence.url}.")
    if entry.citation:
        parts.append(f"Citation: {entry.citation} {entry.paper}")
    return " ".join(parts).strip()


def _digest(licence: Licence) -> str:
    return hashlib.sha256(licence.text.encode()).hexdigest()
