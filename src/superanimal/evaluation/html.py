"""The content of an evaluation report, section by section."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from superanimal.bootstrap import Interval
from superanimal.evaluation import plots
from superanimal.evaluation.reliability import TOLERANCE
from superanimal.evaluation.worst import draw_image
from superanimal.poses import load_space
from superanimal.reports.numbers import count_of, interval, number, signed
from superanimal.reports.page import Card, Cell, Page, beside, gallery, table
from superanimal.video.drawing import data_uri, keypoint_colors

if TYPE_CHECKING:
    from superanimal.evaluation.evaluation import Evaluation

GROUP_COLUMNS = {
    "AP": "AP, %",
    "mean_euclidean_px": "mean, px",
    "p50_px": "median, px",
    "p95_px": "95 %, px",
    "mean_euclidean_animal": "mean, % of length",
    "PCK@0.1": "PCK@0.1, %",
    "missed_keypoints": "missed, %",
}


def render(result: Evaluation, worst: int) -> str:
    """Return the page.

    Parameters
    ----------
    result
        The evaluation.
    worst
        Number of worst images drawn.
    """
    colors = scored_colors(result)
    page = Page(_title(result), _subtitle(result), _cards(result), list(result.facts["warnings"]))
    page.add("Errors", plots.pck_curve(result), _error_table(result), note=_HOW_FAR)
    per_keypoint = plots.keypoint_plot(result, colors), _keypoint_table(result)
    page.add("Errors by keypoint", *per_keypoint, note=_KEYPOINTS)
    if "share_right" in result.curves:
        body = beside(plots.reliability_diagram(result), _confidence_table(result))
        page.add("Reliability of confidence", body, note=_CONFIDENCE)
    for kind, groups in result.groups.items():
        members = result.cases.videos if kind == "video" else result.cases.sources
        page.add(f"By {kind}", plots.group_plot(groups), _group_table(groups, members))
    for video in result.videos:
        plot = plots.stability_plot(video["series"], _predicted_keypoints(result))
        page.add(f"Stability of {video['name']}", _stability_table(video), plot, note=_STEADY)
    page.add("The worst images", _gallery(result, worst, colors), note=_WORST)
    page.add("What was compared", _facts(result))
    return page.render()


def scored_colors(result: Evaluation) -> dict[str, str]:
    """Return the colour of every scored keypoint: that of its counterpart in the space, or a new one."""
    names = list(result.cases.keypoints)
    space = load_space(result.facts["space"]) if result.facts["space"] else None
    counterparts = [result.facts["keypoint_map"].get(name, name) for name in names]
    known = set(space.keypoints) if space else set()
    looked_up = [there if there in known else name for name, there in zip(names, counterparts, strict=True)]
    return dict(zip(names, keypoint_colors(looked_up, space), strict=True))


def _title(result: Evaluation) -> str:
    first = result.facts["predictions"][0]
    what = first["model"] or first["file"] or first["video"] or "predictions"
    return f"{what} on {result.facts['labels']['name']}"


def _subtitle(result: Evaluation) -> str:
    labels, settings = result.facts["labels"], result.facts["settings"]
    text = f"{count_of(labels['images'], 'image')}, {count_of(labels['animals'], 'animal')}, "
    text += count_of(result.facts["labelled_keypoints"], "labelled keypoint")
    if settings["samples"]:
        text += f"; ranges are {100 * settings['level']:g} % intervals over {settings['draw']}s"
    return text


def _cards(result: Evaluation) -> list[Card]:
    wanted = [
        ("AP", "Average precision", 100, " %", "OKS 0.50–0.95"),
        ("mean_euclidean_px", "Mean distance", 1, " px", "the SuperAnimal paper calls it RMSE"),
        ("root_mean_square_px", "Root mean square", 1, " px", "large errors weigh more"),
        ("PCK@0.1", "Correct keypoints", 100, " %", "within 10 % of the animal's length"),
        ("normalised_error", "Normalised error", 1, "", "mean distance ÷ reference length"),
        ("missed_keypoints", "Missed keypoints", 100, " %", "labelled, not predicted"),
        ("left_right_swaps", "Left–right swaps", 100, " %", "of left/right pairs that are distinguishable"),
        ("calibration_error", "Calibration error", 100, " %", "confidence against fraction correct"),
        ("p50_px", "Median distance", 1, " px", "half of the keypoints are closer"),
        ("AR", "Average recall", 100, " %", "OKS 0.50–0.95"),
    ]
    known = [card for card in wanted if card[0] in result.figures and math.isfinite(result[card[0]])]
    return [
        Card(title, number(factor * result[name]), unit, interval(result.figures[name], factor), note)
        for name, title, factor, unit, note in known[:8]
    ]


def _error_table(result: Evaluation) -> Markup:
    rows: list[Sequence[str]] = []
    names = [
        ("mean Euclidean distance", "mean_euclidean"),
        ("root mean square", "root_mean_square"),
        *((f"{p}th percentile of distances", f"p{p}") for p in (50, 75, 90, 95, 99)),
    ]
    for title, name in names:
        pixel, unit = result.figures[f"{name}_px"], result.figures[f"{name}_animal"]
        rows.append(
            [title, number(pixel.value), interval(pixel), number(100 * unit.value), interval(unit, 100)]
        )
    if "mean_euclidean_confident_px" in result.figures:
        cutoff, figure = result.facts["settings"]["cutoff"], result.figures["mean_euclidean_confident_px"]
        share = number(100 * result["confident_keypoints"])
        rows.append(
            [
                f"mean of the {share} % with confidence ≥ {cutoff:g}",
                number(figure.value),
                interval(figure),
                "",
                "",
            ]
        )
    if "normalised_error" in result.figures:
        figure, ends = result.figures["normalised_error"], "–".join(result.facts["reference"])
        rows.append([f"normalised error (÷ {ends})", "", "", number(figure.value), interval(figure)])
    precision = [
        [name, number(100 * result[name]), interval(result.figures[name], 100)]
        for name in ("AP", "AP50", "AP75", "AR", "AR50", "AR75")
    ]
    return beside(
        table(["distance to the label", "px", "", "% of length", ""], rows),
        table(["OKS", "%", ""], precision),
    )


def _keypoint_table(result: Evaluation) -> Markup:
    rows = [
        [
            row["keypoint"],
            result.facts["keypoint_map"][row["keypoint"]],
            str(row["labelled"]),
            number(100 * (1 - row["predicted"] / row["labelled"]) if row["labelled"] else math.nan),
            *(number(row[name]) for name in ("mean_euclidean_px", "root_mean_square_px", "p50_px", "p95_px")),
            number(100 * row["p50_animal"]),
            number(100 * row["PCK@0.1"]),
            f"{signed(row['mean_offset_x_px'])}, {signed(row['mean_offset_y_px'])}",
            number(row["mean_confidence"]),
        ]
        for row in result.keypoints
    ]
    head = [
        "label",
        "prediction",
        "n",
        "missed, %",
        "mean, px",
        "root mean square, px",
        "median, px",
        "95 %, px",
    ]
    return table([*head, "median, % of length", "PCK@0.1, %", "mean offset, px", "confidence"], rows, text=2)


def _confidence_table(result: Evaluation) -> Markup:
    names = [
        ("expected calibration error", "calibration_error", 100, " %"),
        ("Brier score (0 is best)", "brier_score", 1, ""),
        ("AUROC, correct against wrong", "confidence_AUROC", 1, ""),
    ]
    return table(
        ["", "", ""],
        [[t, number(f * result[n]) + unit, interval(result.figures[n], f)] for t, n, f, unit in names],
    )


def _group_table(groups: dict[str, dict[str, Interval]], members: Sequence[str]) -> Markup:
    rows = []
    for name, figures in groups.items():
        cells: list[str | Cell] = [name, str(members.count(name))]
        for key in GROUP_COLUMNS:
            factor = 1 if key.endswith("_px") else 100
            cells.append(Cell(number(factor * float(figures[key].value)), interval(figures[key], factor)))
        rows.append(cells)
    return table(["", "images", *GROUP_COLUMNS.values()], rows)


def _stability_table(video: dict[str, Any]) -> Markup:
    figures = video["figures"]
    rows = [
        ["jitter, mean", number(figures["jitter_mean_px"]) + " px per frame"],
        ["jitter, median", number(figures["jitter_median_px"]) + " px per frame"],
        ["jitter, 95 % below", number(figures["jitter_p95_px"]) + " px per frame"],
        [
            "change of body size",
            f"{number(figures['body_size_change_px'])} px per frame "
            f"({number(100 * figures['body_size_change_relative'])} % of the median size)",
        ],
        [
            "dropped keypoints per animal and frame",
            f"{number(figures['dropped_keypoints_mean'])} (most {figures['dropped_keypoints_max']:.0f})",
        ],
        ["frames without an animal", f"{figures['frames_without_animal']:.0f} of {figures['frames']:.0f}"],
    ]
    return table(["", ""], rows)


def _gallery(result: Evaluation, worst: int, colors: dict[str, str]) -> Markup:
    order = sorted(range(len(result.images)), key=lambda i: -result.images[i]["badness"])[:worst]
    shown = []
    for i in order:
        row = result.images[i]
        picture, has_pixels = draw_image(
            result.labels, result.cases, result.pairs, i, [colors[name] for name in result.cases.keypoints]
        )
        parts = []
        if math.isfinite(row["mean_euclidean_px"]):
            parts = [f"mean {number(row['mean_euclidean_px'])} px", f"worst: {row['worst_keypoint']}"]
        for what in ("missed keypoint", "missed animal", "extra animal"):
            if count := row[what.replace(" ", "_") + "s"]:
                parts.append(count_of(count, what))
        if not has_pixels:
            parts.append("image not found")
        shown.append((data_uri(picture), "/".join(row["image"].split("/")[-2:]), " · ".join(parts)))
    return gallery(shown)


def _facts(result: Evaluation) -> Markup:
    facts = result.facts
    rows = [
        ["labels", f"{facts['labels']['name']}: {_subtitle(result).split(';')[0]}"],
        *(
            [
                "predictions",
                ", ".join(str(v) for v in (p["model"], p["file"], p["software"], f"{p['rows']} rows") if v),
            ]
            for p in facts["predictions"]
        ),
        ["keypoint space", facts["space"] or "none"],
        ["labels not scored", ", ".join(facts["labels_without_prediction"]) or "none"],
        ["predictions not scored", ", ".join(facts["predictions_without_label"]) or "none"],
        ["left–right pairs", ", ".join("–".join(pair) for pair in facts["left_right_pairs"]) or "none"],
        ["OKS sigmas", ", ".join(f"{name} {sigma:g}" for name, sigma in facts["sigmas"].items())],
        ["settings", ", ".join(f"{key} {value}" for key, value in facts["settings"].items())],
    ]
    return table(["", ""], rows, text=2, kind="facts")


def _predicted_keypoints(result: Evaluation) -> int:
    return len(result.facts["keypoint_map"]) + len(result.facts["predictions_without_label"])


_HOW_FAR = (
    "Distances are over all keypoints labelled and predicted. An animal's length is the largest distance "
    "between two of its labelled keypoints in that image. A keypoint that was not predicted is within no "
    "distance. Bands are bootstrap intervals."
)
_KEYPOINTS = (
    "A mean offset that is large compared with the median distance suggests a different definition of the "
    "keypoint rather than noise."
)
_CONFIDENCE = (
    f"A keypoint is right when it lies within {100 * TOLERANCE:g} % of the animal's length. Points below "
    f"the dashed line: more confident than right. Hollow: fewer than {plots.FEW} keypoints."
)
_STEADY = (
    "Needs no labels. Jitter: mean over keypoints and both axes of the change from frame to frame; the "
    "animal's own movement is in it, so compare models on the same video."
)
_WORST = "Rings are labels, dots are predictions; lines join each label to its prediction."
