"""``superanimal behavior``: features, classifiers, what to label, agreement of raters, results, motifs."""

from __future__ import annotations

import typer

from superanimal.cli.behavior import agree, features, predict, report, segment, suggest, train

app = typer.Typer(help="What the animals do.", no_args_is_help=True)
app.command("agree")(agree.agree)
app.command("features")(features.features)
app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("suggest")(suggest.suggest)
app.command("report")(report.report)
app.command("segment")(segment.segment)
