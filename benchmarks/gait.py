"""How well does the gait analysis find contacts, lifts and gaits? Generated truth and four real sets.

    python benchmarks/gait.py [--part rates] [--data ../shared/data] [--write]

No constant of ``superanimal.gait`` was chosen on the real sets: they come from the generated gaits
(``superanimal.synth.gaits``) or from the literature, as the comment beside each says.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from _adaptation_corrections import corrected, truth_of
from _adaptation_corrections import errors as errors_of
from _report import table, write_section
from zero_shot_quadruped import FOLDER, MODEL

import superanimal
from superanimal.formats import load_poses
from superanimal.gait import analyze
from superanimal.gait.vertical import differences
from superanimal.poses import make_poses
from superanimal.reports.figures import new_figure, save_figure, style
from superanimal.synth.gaits import SHAPES, GaitTruth, generate

GAITS = ("walk", "trot", "pace", "canter", "gallop")
TUNED = 10
"""Labelled frames of the horse that the model is fine-tuned on."""
RATES = (15, 24, 30, 60, 120, 240)
LIMB_COLORS = ("#0b63ce", "#d1495b", "#66727f", "#2a9d8f", "#e09f3e")


def poses_of(truth: GaitTruth) -> xr.Dataset:
    return make_poses(truth.position[..., None], keypoints=truth.keypoints, times=truth.time)


def generated_row(**how: object) -> list[float]:
    """Return frames of contact and lift error, % of stride length, gait share, phase and duty error."""
    contact, lift, length, named, phase, duty = [], [], [], [], [], []
    for gait in GAITS:
        for shape in SHAPES:
            truth = generate(gait, shape=shape, **how)  # type: ignore[arg-type]
            result = analyze(poses_of(truth))
            for kind, times, errors in (("contact", truth.contacts, contact), ("lift", truth.lifts, lift)):
                found = result.events[result.events["event"] == kind]
                for limb, true in times.items():
                    at = found.loc[found["limb"] == limb, "time_s"].to_numpy()
                    for t in true[(true > 0.2 * truth.period) & (true < truth.time[-1] - 0.2 * truth.period)]:
                        errors.append(np.abs(at - t).min() if at.size else truth.period)
            kept = result.strides[result.strides["refused"] == ""]
            length += (100 * (kept["length_px"] / truth.stride - 1).abs()).tolist()
            named += (kept["gait"] == gait).tolist()
            duty += (kept["duty_factor"] - truth.duty).abs().tolist()
            for _, row in result.phases.iterrows():
                true_phase = truth.phases[row["limb"]] - truth.phases[row["reference"]]
                phase.append(abs((row["phase"] - true_phase + 0.5) % 1 - 0.5))
    rate = float(how["fps"])  # type: ignore[arg-type]
    medians = [float(np.median(each)) for each in (contact, lift, length, phase, duty)]
    return [medians[0] * rate, medians[1] * rate, medians[2], 100 * float(np.mean(named)), *medians[3:]]


def generated() -> str:
    conditions: dict[str, dict[str, object]] = {
        f"{fps} per second": {"fps": fps, "noise": 0.5} for fps in (24, 30, 60, 120, 240)
    }
    conditions |= {
        "60, leftward": {"fps": 60, "noise": 0.5, "leftward": True},
        "60, camera follows": {"fps": 60, "noise": 0.5, "camera": "follow"},
        "60, camera pans": {"fps": 60, "noise": 0.5, "camera": "pan"},
        "60, noise 1 px": {"fps": 60, "noise": 1.0},
        "60, noise 2 px": {"fps": 60, "noise": 2.0},
        "60, 10 % dropouts": {"fps": 60, "noise": 0.5, "dropouts": 0.1},
        "60, 5 % swaps": {"fps": 60, "noise": 0.5, "swaps": 0.05},
        "60, feet turn for a fifth of the stance": {"fps": 60, "noise": 0.5, "roll": 0.2},
        "60, feet turn for two fifths": {"fps": 60, "noise": 0.5, "roll": 0.4},
        "60, uneven clock": {"fps": 60, "noise": 0.5, "jitter": 0.2},
    }
    head = [
        "condition",
        "contact, frames",
        "lift, frames",
        "stride length, %",
        "gait named, %",
        "phase",
        "duty factor",
    ]
    rows = [[name, *(f"{value:.3g}" for value in generated_row(**how))] for name, how in conditions.items()]
    bars = ["bar (from 60 per second on)", "1", "", "2", "97", "0.03", "0.03"]
    return "Medians of errors; five gaits, four shapes of swing, withers 120 px.\n\n" + table(
        head, [bars, *rows]
    )


def rates(folder: Path) -> tuple[str, dict[str, dict[str, list[float]]]]:
    """Measure how errors grow when frames are left out: of generated walks, and of people on force plates.

    Returns a table, and for each measure its median error by gait at :data:`RATES`.
    """
    measures = ("contact, ms", "duty factor", "stride length, %", "phase")
    curves: dict[str, dict[str, list[float]]] = {measure: {} for measure in measures}
    rows = []
    for gait in GAITS:
        whole = [generate(gait, fps=240, noise=0.5, shape=shape, seed=3) for shape in SHAPES]
        for rate in RATES:
            errors: dict[str, list[float]] = {measure: [] for measure in measures}
            kept, found = 0, 0
            for truth in whole:
                every = 240 // rate
                few = replace(truth, time=truth.time[::every], position=truth.position[::every])
                result = analyze(poses_of(few))
                good = result.strides[result.strides["refused"] == ""]
                kept, found = kept + len(good), found + sum(map(len, truth.contacts.values())) - 4
                for limb, times in truth.contacts.items():
                    own = result.events[
                        (result.events["limb"] == limb) & (result.events["event"] == "contact")
                    ]
                    inside = times[
                        (times > 0.2 * truth.period) & (times < truth.time[-1] - 0.2 * truth.period)
                    ]
                    if len(own):
                        errors["contact, ms"] += [1e3 * (own["time_s"] - t).abs().min() for t in inside]
                errors["duty factor"] += (good["duty_factor"] - truth.duty).abs().tolist()
                errors["stride length, %"] += (100 * (good["length_px"] / truth.stride - 1).abs()).tolist()
                for _, row in result.phases.iterrows():
                    true_phase = truth.phases[row["limb"]] - truth.phases[row["reference"]]
                    errors["phase"].append(abs((row["phase"] - true_phase + 0.5) % 1 - 0.5))
            medians = {name: float(np.median(own)) if own else float("nan") for name, own in errors.items()}
            for name, value in medians.items():
                curves[name].setdefault(gait, []).append(value)
            said = [f"{value:.3g}" for value in medians.values()]
            rows.append(
                [gait, f"{rate} ({rate * whole[0].period:.0f})", *said,
                 f"{100 * min(kept / found, 1):.0f}"]
            )  # fmt: skip
    head = ["gait", "frames per second (per stride)", *measures, "strides kept, % of the true ones"]
    return table(head, rows) + _human_rates(folder), curves


def _human_rates(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    rows = []
    for every in (1, 2, 4):
        errors = human_errors(folder, every)
        rows.append([f"{100 // every}", *(f"{np.median(errors[kind]):.1f}" for kind in ("contact", "lift"))])
    return "\n\nPeople on force plates (100 per second, frames left out), medians:\n\n" + table(
        ["frames per second", "contact, ms", "lift, ms"], rows
    )


def draw_rates(curves: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Draw how errors depend on the frame rate."""
    with style():
        figure = new_figure(9, 2.5)
        for axes, (measure, gaits) in zip(figure.subplots(1, 4), curves.items(), strict=True):
            for (gait, values), color in zip(gaits.items(), LIMB_COLORS, strict=False):
                axes.plot(RATES, values, "o-", ms=3, lw=1.2, color=color, label=gait)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xticks(RATES, [str(rate) if rate != 24 else "" for rate in RATES], fontsize=7)
            axes.minorticks_off()
            axes.tick_params("y", labelsize=7)
            axes.set_title(f"Error of {measure}", fontsize=9)
        figure.axes[0].legend(frameon=False, fontsize=7)
        figure.supxlabel("Frames per second", fontsize=9)
        save_figure(figure, path)


def human_errors(folder: Path, every: int = 1) -> dict[str, list[float]]:
    """Return the errors of contacts and lifts in ms, from each ``every``-th frame."""
    truth = pd.read_csv(folder / "events.csv")
    errors: dict[str, list[float]] = {"contact": [], "lift": []}
    for name, own in truth.groupby("file"):
        marks = pd.read_csv(folder / f"{name}.csv")
        names = [column[:-5] for column in marks.columns if column.endswith("_x_mm")]
        position = np.stack([marks[[f"{n}_x_mm", f"{n}_y_mm_down"]].to_numpy() for n in names], axis=2)
        poses = make_poses(position[::every, ..., None], keypoints=names, fps=100 / every)
        events = analyze(poses, {s: [f"{s}_heel", f"{s}_toe"] for s in ("left", "right")}).events
        for _, event in own.iterrows():
            errors[event["event"]].append(nearest(events, event["foot"], event["event"], event["time_s"]))
    return errors


def human(folder: Path) -> str:
    return table(
        ["event", "n", "median, ms (≤ 15)", "worst, ms (≤ 40)"],
        [spread(k, v) for k, v in human_errors(folder).items()],
    )


_PEOPLE = (
    "The end of a stance is always the frame before the next start of a swing. On average people set lifts "
    "and contacts one to two frames (of 10 ms) later than found here."
)


def mouse(folder: Path) -> str:
    truth = pd.read_csv(folder / "human_step_cycles.csv")
    errors: dict[str, list[float]] = {"lift": [], "contact": []}
    found = 0
    for number, own in truth.groupby("mouse"):
        events = analyze(next(folder.glob(f"*Mouse{number}_*SIMI*.csv")), fps=100).events
        for _, cycle in own.iterrows():
            times = (("lift", "swing_start_s"), ("contact", "swing_end_s"), ("lift", "stance_end_s"))
            off = [nearest(events, "hind", kind, cycle[column]) for kind, column in times]
            found += max(off) <= 100
            for (kind, _), error in zip(times, off, strict=True):
                errors[kind].append(error)
    every = [*errors["lift"], *errors["contact"]]
    rows = [spread(name, values) for name, values in (*errors.items(), ("both", every))]
    return f"{found} of {len(truth)} cycles found (all three events within 100 ms). {_PEOPLE}\n\n" + table(
        ["event", "n", "median, ms (≤ 10)", "worst, ms (≤ 60)"], rows
    )


def horse(folder: Path, mirrored: bool) -> list[str]:
    kept, found, walk, clips, own, sides = 0, 0, 0, 0, [], []
    files = sorted(folder.glob("*.h5"))
    for file in files:
        poses = load_poses(file)
        if mirrored:
            poses = poses.copy(deep=True)
            poses["position"].values[:, 0] = 2207 - poses["position"].values[:, 0]
        result = analyze(poses, fps=15)
        good = result.strides[result.strides["refused"] == ""]
        kept, found, walk = (
            kept + len(good),
            found + len(result.strides),
            walk + (good["gait"] == "walk").sum(),
        )
        clips += len(good) >= 2
        table_of = result.phases
        for side in ("left", "right"):
            one = table_of[(table_of["reference"] == f"{side}_hind") & (table_of["limb"] == f"{side}_fore")]
            own += one["phase"].tolist()
        for place in ("hind", "fore"):
            one = table_of[
                (table_of["reference"] == f"left_{place}") & (table_of["limb"] == f"right_{place}")
            ]
            sides += one["phase"].tolist()
    return [
        "mirrored" if mirrored else "as recorded", f"{clips}/{len(files)}", f"{100 * kept / found:.0f}",
        f"{100 * walk / max(kept, 1):.1f}", f"{np.median(own):.3f}", f"{np.median(sides):.3f}",
    ]  # fmt: skip


def shadow(folder: Path) -> str:
    poses = load_poses(folder / "BrownHorseinShadow_gt.h5")
    result = analyze(poses, fps=24)
    rows = [
        [row["limb"], str(row["strides"]), str(row["kept"]), str(row["gait"]), f"{row['duration_s']:.3f}",
         f"{row['length_px']:.1f}", f"{row['duty_factor']:.2f}", f"{row['phase']:.2f}"]
        for _, row in result.summary.iterrows()
    ]  # fmt: skip
    return table(
        ["limb", "strides", "kept", "gait", "duration, s", "length, px", "duty factor", "phase"], rows
    )


def shadow_model(data: Path) -> str:
    """Compare the strides from the model's points with those from human labels, as the paper does."""
    video, pairs, truth, whole, trunk = truth_of(data)
    ours, rows = list(pairs.values()), np.flatnonzero(whole)
    given = rows[np.linspace(0, len(rows) - 1, TUNED + 2).astype(int)[1:-1]]
    labelled = load_poses(data / FOLDER / "BrownHorseinShadow_gt.h5")
    rows_of_clip = ("time", np.arange(labelled.sizes["time"]))
    labelled = labelled.assign_coords(time=rows_of_clip, frame=rows_of_clip)  # the clip begins at frame 50
    human = analyze(labelled, fps=24).strides
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        labels = corrected(video, ours, truth, given)
        tuned = superanimal.finetune(labels, MODEL, out=Path(scratch) / "tuned", held_out=0)
        for title, model in ((MODEL, MODEL), (f"fine-tuned on {TUNED} frames", str(tuned.model.folder))):
            poses = superanimal.analyze(video, model=model, out=Path(scratch) / "poses", formats=())
            away = 100 * errors_of(poses, ours, truth, np.setdiff1d(rows, given)) / trunk
            lines.append(
                [title, f"{np.nanmean(away):.1f}", f"{np.nanmedian(away):.1f}",
                 *in_common(human, analyze(poses, fps=24).strides)]
            )  # fmt: skip
    head = ["points of", "mean error, % of the trunk", "median, %", "strides kept", "human strides met",
            "r of lengths (paper: .918)", "MAE, px", "contacts apart, ms", "durations apart, ms"]  # fmt: skip
    return table(head, lines)


def in_common(human: pd.DataFrame, model: pd.DataFrame) -> list[str]:
    """Return how the kept strides of a model compare with those from human labels, as cells of the table."""
    human, model = (each[each["refused"] == ""] for each in (human, model))
    pairs = []
    for _, stride in human.iterrows():
        own = model[model["limb"] == stride["limb"]]
        off = (own["start_s"] - stride["start_s"]).abs()
        if len(own) and off.min() < 0.5 * stride["duration_s"]:
            other = own.loc[off.idxmin()]
            lengths = stride["length_px"], other["length_px"]
            pairs.append((*lengths, off.min(), stride["duration_s"], other["duration_s"]))
    counts = [str(len(model)), f"{len(pairs)} of {len(human)}"]
    if len(pairs) < 3:
        return [*counts, "too few", "", "", ""]
    a, b, off, c, d = np.array(pairs).T
    return [*counts, f"{np.corrcoef(a, b)[0, 1]:.3f}", f"{np.abs(a - b).mean():.1f} of {a.mean():.0f}",
            f"{1e3 * np.median(off):.0f}", f"{1e3 * np.abs(c - d).mean():.0f}"]  # fmt: skip


def asymmetry() -> str:
    """Plant a lower head in one half of the stride and measure it."""
    height, rows = 300.0, []
    for percent in (-2.0, -1.0, 0.0, 1.0, 2.0):
        for noise in (0.5, 1.0):
            trials, strides = [], []
            for seed in range(5):
                truth = generate("trot", fps=60, strides=12, height=height, seed=seed)
                angle = 2 * np.pi * (truth.time - truth.contacts["left_fore"][0]) / truth.period
                up = 0.02 * height * np.cos(2 * angle) - percent / 200 * height * np.cos(angle - np.pi / 2)
                head = np.stack([truth.position[:, 0, -3] + 0.5 * height, 500 - 1.1 * height - up], axis=1)
                position = np.concatenate([truth.position, head[:, :, None]], axis=2)
                position += np.random.default_rng(seed).normal(0, noise, position.shape)
                poses = make_poses(
                    position[..., None], keypoints=[*truth.keypoints, "poll"], times=truth.time
                )
                result = analyze(poses)
                trials.append(result.vertical.set_index("part").loc["head", "min_diff"] + percent)
                kept = result.strides[
                    (result.strides["limb"] == "left_fore") & (result.strides["refused"] == "")
                ]
                found = [
                    differences(truth.time, -position[:, 1, -1], a, b)
                    for a, b in zip(kept["start_s"], kept["end_s"], strict=True)
                ]
                strides += [100 * each[0] / height + percent for each in found if each is not None]
            rows.append([f"{percent:+.0f} %", f"{noise} px", f"{np.median(np.abs(strides)):.3f}",
                         f"{np.median(np.abs(trials)):.3f}", f"{np.abs(trials).max():.3f}"])  # fmt: skip
    head_row = ["planted", "noise", "stride, median (≤ 0.25)", "trial, median (≤ 0.1)", "trial, worst"]
    return (
        "Head lower in one half of the stride, percent of withers height (300 px), errors over five trots of "
        "twelve strides at 60 frames per second.\n\n" + table(head_row, rows)
    )


def nearest(events: pd.DataFrame, limb: str, kind: str, time: float) -> float:
    """Return the distance in ms to the nearest event of a limb and kind."""
    at = events.loc[(events["limb"] == limb) & (events["event"] == kind), "time_s"].to_numpy()
    return float(1e3 * np.abs(at - time).min()) if at.size else float("inf")


def spread(name: str, errors: list[float]) -> list[str]:
    return [name, str(len(errors)), f"{np.median(errors):.1f}", f"{max(errors):.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "../shared/data")
    parser.add_argument("--part", choices=("generated", "rates", "real"), help="all when not given")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    sections = {}
    if arguments.part in (None, "generated"):
        sections["Gait: generated"] = f"{generated()}\n\n### Vertical asymmetry\n\n{asymmetry()}"
    if arguments.part in (None, "rates"):
        measured, curves = rates(arguments.data / "human-gait-forceplate")
        sections["Gait: frame rates"] = (
            "Gaits generated at 240 frames per second (withers 120 px, noise 0.5 px, four shapes of swing), "
            f"frames left out; medians of errors.\n\n{measured}\n\n"
            "![errors](../docs/images/gait_rates.png)"
        )
        if arguments.write:
            draw_rates(curves, Path(__file__).parents[1] / "docs/images/gait_rates.png")
    if arguments.part in (None, "real"):
        sections["Gait: recordings"] = real(arguments.data)
    for title, body in sections.items():
        print(f"## {title}\n\n{body}\n", flush=True)
        if arguments.write:
            write_section(title, body)


def real(data: Path) -> str:
    if not data.is_dir():
        return f"Not measured: {data} is not there."
    head = ["", "clips with 2 strides (≥ 90 %)", "strides kept, % (≥ 60)", "walk, % of kept (≥ 97)",
            "fore after hind (.18–.30)", "left–right (.45–.55)"]  # fmt: skip
    parts = {
        "human-gait-forceplate": human(data / "human-gait-forceplate"),
        "autogaita-mouse-beam": mouse(data / "autogaita-mouse-beam"),
        "horse-walk": table(head, [horse(data / "horse-walk", mirrored) for mirrored in (False, True)])
        + "\n\nTwo clips last 1.6 and 1.7 s, a stride 1.3 s: no limb lands twice in them.",
        "horse-in-shadow, human labels": shadow(data / "horse-in-shadow"),
        "horse-in-shadow, points of a model against human labels": shadow_model(data),
    }
    return "\n\n".join(f"### {name}\n\n{body}" for name, body in parts.items())


if __name__ == "__main__":
    main()
