"""Optional packages: a missing one is named together with the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from superanimal.errors import InputError, SuperAnimalError

QT = ("PyQt6", "PySide6", "PyQt5", "PySide2")
"""The Qt bindings that napari can use, one of which the extra ``all`` installs."""


def install_command(extra: str) -> str:
    """Return the command that installs an extra.

    Examples
    --------
    >>> install_command("behavior")
    'pip install "napari-superanimal[behavior]"'
    """
    return f'pip install "napari-superanimal[{extra}]"'


def require(
    extra: str,
    modules: tuple[str, ...],
    purpose: str,
    otherwise: str = "",
    error: type[SuperAnimalError] = InputError,
) -> None:
    """Raise unless the modules of an extra are installed.

    Parameters
    ----------
    extra
        Name of the extra in pyproject.toml.
    modules
        Modules that are needed, by their import names.
    purpose
        What they are needed for, as the start of a sentence: ``"the embedding"``.
    otherwise
        Another way out, added to the remedy.
    error
        Class of the error.

    Raises
    ------
    SuperAnimalError
        Naming the missing modules and the one command that installs them.
    """
    if missing := [name for name in modules if find_spec(name) is None]:
        raise error(
            f"not installed: {', '.join(missing)}",
            f"{purpose} needs the extra {extra!r}",
            install_command(extra) + (f", or {otherwise}" if otherwise else ""),
        )
