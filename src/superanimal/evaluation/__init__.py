"""How good are predictions? OKS, errors, steadiness and calibration against labels, with intervals.

Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superanimal.evaluation.evaluation import Evaluation, evaluate
    from superanimal.evaluation.stability import jitter

_PUBLIC = {
    "Evaluation": "superanimal.evaluation.evaluation",
    "evaluate": "superanimal.evaluation.evaluation",
    "jitter": "superanimal.evaluation.stability",
}

__all__ = ["Evaluation", "evaluate", "jitter"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'superanimal.evaluation' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
