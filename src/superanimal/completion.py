"""Options that a function takes as ``**options`` shown in its signature, so that consoles complete them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any


def spell_out(function: Callable[..., Any], options: Iterable[inspect.Parameter | str]) -> None:
    """Show options in the signature of a function; those given by name alone have the default ``...``."""
    shown = inspect.signature(function)
    first = [p for p in shown.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    more = [
        inspect.Parameter(p, inspect.Parameter.KEYWORD_ONLY, default=...) if isinstance(p, str) else p
        for p in options
    ]
    function.__signature__ = shown.replace(parameters=[*first, *more])  # type: ignore[attr-defined]
