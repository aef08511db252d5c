"""An array that caches the extent of its columns.

napari asks a Points layer for ``np.max(data, axis=0)`` and ``np.min(data, axis=0)`` twice at every frame
change, although the data are the same. For millions of rows this takes most of the time of a frame change.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class PoseRows(np.ndarray):
    """Float array (N, 3) that caches column minima and maxima until an element is written."""

    _extent: dict[str, np.ndarray]

    def __new__(cls, data: np.ndarray) -> PoseRows:
        """Return a view of ``data``; Fortran order makes the extent and the columns fast."""
        return np.asarray(data).view(cls)

    def __array_finalize__(self, parent: Any) -> None:
        self._extent = {}

    def __setitem__(self, key: Any, value: Any) -> None:
        self._extent.clear()
        super().__setitem__(key, value)

    def max(self, axis: Any = None, out: Any = None, **options: Any) -> Any:
        """Return the maximum; over axis 0 it is computed once."""
        return self._remembered("max", axis, out, options)

    def min(self, axis: Any = None, out: Any = None, **options: Any) -> Any:
        """Return the minimum; over axis 0 it is computed once."""
        return self._remembered("min", axis, out, options)

    def _remembered(self, name: str, axis: Any, out: Any, options: dict[str, Any]) -> Any:
        plain = self.view(np.ndarray)
        if axis != 0 or out is not None or options:
            return getattr(plain, name)(axis=axis, out=out, **options)
        if name not in self._extent:
            self._extent[name] = getattr(plain, name)(axis=0)
        return self._extent[name].copy()
