"""Errors that say what was wrong (with the value), which rule it broke and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SuperAnimalError(Exception):
    """Base class of every error this project raises on purpose.

    Parameters
    ----------
    problem
        What happened, with the offending value.
    rule
        What was expected.
    remedy
        What the user can do now.
    """

    exit_code = 1

    def __init__(self, problem: str, rule: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.rule = rule
        self.remedy = remedy
        super().__init__(problem, rule, remedy)

    def __str__(self) -> str:
        return "; ".join(part.rstrip(".;") for part in (self.problem, self.rule, self.remedy) if part)


class InputError(SuperAnimalError, ValueError):
    """An argument or a piece of user data breaks a rule."""

    exit_code = 2


class NotFoundError(InputError):
    """A file or a name does not exist."""

    exit_code = 3


class VideoError(SuperAnimalError):
    """A video cannot be read or written."""

    exit_code = 4


class FormatError(SuperAnimalError):
    """A pose file is not recognised, damaged, or cannot hold the data."""

    exit_code = 5


class ModelError(SuperAnimalError):
    """Weights, catalogue, licence or download trouble."""

    exit_code = 6


class DeviceError(SuperAnimalError):
    """The requested compute device is missing or out of memory."""

    exit_code = 7


class StorageError(SuperAnimalError):
    """A result cannot be written: disk full, no permission, store in use."""

    exit_code = 8


class NoAnimalsError(SuperAnimalError):
    """The whole input was analysed and no animal was found."""

    exit_code = 9


class CalibrationRefused(SuperAnimalError):  # noqa: N818 - a finding, not a fault
    """A calibration would not make predictions better, as far as the labels can tell."""

    exit_code = 10


class Cancelled(SuperAnimalError):  # noqa: N818 - the user's wish, not a fault
    """The user asked to stop; what was finished is kept."""

    exit_code = 130

    def __init__(self, problem: str = "cancelled", rule: str = "", remedy: str = "") -> None:
        super().__init__(problem, rule, remedy)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> NotFoundError:
    """Build the error for a name that is not in a list, naming the nearest ones.

    Parameters
    ----------
    kind
        What the name stands for, such as ``"model"``.
    name
        The name that was asked for.
    known
        All valid names.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names
    return NotFoundError(f"unknown {kind} {name!r}", remedy=f"did you mean {', '.join(near)}?")
