"""What can be said about labels before a classifier learns from them: agreement of raters, and offsets."""

from __future__ import annotations

import numpy as np
import xarray as xr

from napari_superanimal.docks.behavior.session import BehaviorSession
from superanimal.behavior import agree, align


def checked_labels(session: BehaviorSession, poses: xr.Dataset, individual: str) -> tuple[str, float, str]:
    """Return what to say, a shift in seconds that is proposed (0 for none), and whose labels it moves.

    Raters are compared with each other; labels of a single rater with the motion of the animal.
    """
    step = 1 / (session.rate or 25.0)
    if len(session.raters) > 1:
        found = agree(session.bouts, fps=session.rate, end_s=float(session.edges[-1]))
        lines = [
            f"{row['label']}: kappa {row['kappa']:.2f}, frame F1 {row['frame_f1']:.2f}, bout F1 "
            f"{row['bout_f1']:.2f}; aligned {row['kappa_aligned']:.2f}, {row['frame_f1_aligned']:.2f}, "
            f"{row['bout_f1_aligned']:.2f}."
            for row in found.summary.to_dict("records")
        ]
        lines.append("A classifier that learns from one rater will not agree better with the other.")
        least = np.maximum(2 * found.offsets["error_s"], step)
        moved = found.offsets[found.offsets["certain"] & (found.offsets["shift_s"].abs() > least)]
        for row in moved.to_dict("records"):
            lines.append(f"{row['rater']} is {row['shift_s']:+.2f} s off.")
        if len(moved):
            return "\n".join(lines), float(moved["shift_s"].iloc[0]), str(moved["rater"].iloc[0])
        return "\n".join([*lines, "No constant offset between them is found."]), 0.0, ""
    who = individual if len(session.individuals) > 1 else None
    shift = align(session.own(), poses, individual=who, fps=session.fps)
    if not shift.certain:
        return f"No constant offset between labels and motion: {shift.reason}.", 0.0, ""
    if abs(shift.shift_s) <= max(2 * shift.error_s, step):
        return "The labels are in time with the motion.", 0.0, ""
    way = "after" if shift.shift_s < 0 else "before"
    said = f"The labels come {abs(shift.shift_s):.2f} ± {shift.error_s:.2f} s {way} the motion."
    return said, shift.shift_s, session.rater
