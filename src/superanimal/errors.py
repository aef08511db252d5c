"""Errors that state the problem (with the value), the violated rule and the remedy.

The same error may be read in Python, at a terminal or in the viewer. If the remedy differs between them, the
text holds all three variants (:func:`by_caller`, :func:`option`), and the code that shows it selects one with
:func:`told`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Literal

Caller = Literal["python", "shell", "viewer"]
_CALLERS: tuple[Caller, ...] = ("python", "shell", "viewer")
_OPEN, _NEXT, _CLOSE = "\x0e", "\x1f", "\x0f"  # never in a readable path or name
_CHOICE = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


def by_caller(python: str, shell: str, viewer: str = "") -> str:
    """Return part of a message that differs between Python, terminal and viewer."""
    return f"{_OPEN}{python}{_NEXT}{shell}{_NEXT}{viewer}{_CLOSE}"


def option(name: str, value: str = "...", shell: str = "") -> str:
    """Return the name of an option in brackets, to follow a description of what it does.

    ``f"choose another folder{option('out')}"`` reads "choose another folder (out=...)" in Python, "choose
    another folder (--out)" at a terminal and "choose another folder" in the viewer.

    Parameters
    ----------
    name, value
        The argument in Python.
    shell
        The option at a terminal; derived from the name when empty.
    """
    return by_caller(f" ({name}={value})", f" ({shell or '--' + name.replace('_', '-')})")


def told(text: str, caller: Caller = "python") -> str:
    """Return a message in the wording for one kind of caller."""
    return _CHOICE.sub(lambda found: found[1].split(_NEXT)[_CALLERS.index(caller)], text)


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
        self.problem = told(problem)
        self.rule = told(rule)
        self.remedy = told(remedy)
        super().__init__(problem, rule, remedy)

    def parts(self, caller: Caller = "python") -> tuple[str, str, str]:
        """Return problem, rule and remedy in the wording for one kind of caller."""
        problem, rule, remedy = (told(str(part), caller) for part in self.args)
        return problem, rule, remedy

    def text(self, caller: Caller = "python") -> str:
        """Return the whole message in the wording for one kind of caller."""
        return "; ".join(part.rstrip(".;") for part in self.parts(caller) if part)

    def __str__(self) -> str:
        return self.text()


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
    """A problem with weights, catalogue, licence or download."""

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


class OffsetsRefused(SuperAnimalError):  # noqa: N818 - a finding, not a fault
    """According to the labels, offsets would not improve the predictions."""

    exit_code = 10


class Cancelled(SuperAnimalError):  # noqa: N818 - the user's wish, not a fault
    """The user stopped the job; finished work is kept."""

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
        The requested name.
    known
        All valid names.

    Examples
    --------
    >>> print(unknown_name("model", "mini_mouse", ["mini_topviewmouse", "mini_quadruped"]))
    unknown model 'mini_mouse'; did you mean mini_topviewmouse, mini_quadruped?
    """
    names = list(known)
    if not names:
        return NotFoundError(f"unknown {kind} {name!r}", "there is none")
    near = nearest(name, names) or names
    return NotFoundError(f"unknown {kind} {name!r}", remedy=f"did you mean {', '.join(near)}?")


def nearest(name: str, known: Iterable[str], alike: float = 0.4) -> list[str]:
    """Return up to three known names that are at least this ``alike`` (0..1), the most alike first.

    >>> nearest("nsoe", ["nose", "tail_base", "neck"], alike=0.6)
    ['nose']
    """
    return difflib.get_close_matches(name, list(known), n=3, cutoff=alike)
