"""Formatting numbers for readers: three digits, true minus signs, intervals."""

from __future__ import annotations

import math
from typing import Any

from superanimal.bootstrap import Interval


def number(value: Any) -> str:
    """Return three significant digits without an exponent, or a dash if the number is unknown.

    Examples
    --------
    >>> number(1234.5), number(0.01234), number(float("nan"))
    ('1234', '0.0123', '–')
    """
    value = float(value)
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 4)}f}".replace("-", "−")


def signed(value: float) -> str:
    """Return a number with its sign and one decimal."""
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "−") if math.isfinite(value) else "–"


def interval(figure: Interval, factor: float = 1) -> str:
    """Return the ends of an interval, times ``factor``; empty if unknown."""
    low, high = float(figure.low) * factor, float(figure.high) * factor
    return f"{number(low)} – {number(high)}" if math.isfinite(low) and math.isfinite(high) else ""


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun, such as ``"3 images"``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
