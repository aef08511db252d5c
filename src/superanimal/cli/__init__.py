"""The command line: ``superanimal <verb>``, one module per verb.

Verbs import heavy modules only when they run, so that ``--help`` is fast.
"""

from __future__ import annotations

import sys
import warnings
from typing import TextIO

import typer
from rich.console import Console

from superanimal.errors import Cancelled, SuperAnimalError

console = Console(stderr=True, highlight=False)


def build_app() -> typer.Typer:
    """Assemble the application from the verbs."""
    from superanimal.cli import (
        adapt,
        analyze,
        behavior,
        convert,
        demo,
        doctor,
        ensemble,
        evaluate,
        export_model,
        finetune,
        gait,
        info,
        match,
        merge,
        models,
        tables,
        track,
        train,
    )

    app = typer.Typer(
        name="superanimal",
        help="Animal poses from video, without labels.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.command("analyze")(analyze.analyze)
    app.command("adapt")(adapt.adapt)
    app.command("evaluate")(evaluate.evaluate)
    app.command("gait")(gait.gait)
    app.command("track")(track.track)
    app.command("ensemble")(ensemble.ensemble)
    app.command("convert")(convert.convert)
    app.command("match")(match.match)
    app.command("merge")(merge.merge)
    app.command("info")(info.info)
    app.command("doctor")(doctor.doctor)
    app.command("demo")(demo.demo)
    app.command("train")(train.train)
    app.command("finetune")(finetune.finetune)
    app.command("export-model")(export_model.export_model)
    app.add_typer(behavior.app, name="behavior")
    app.add_typer(models.app, name="models")
    app.add_typer(tables.app, name="tables")
    return app


def main() -> None:
    """Run the command line; convert errors of this project to one clear message and an exit code."""
    warnings.showwarning = _note
    try:
        build_app()()
    except Cancelled as stop:
        console.print(f"[yellow]{_escape(stop.text('shell'))}[/yellow]")
        sys.exit(stop.exit_code)
    except SuperAnimalError as error:
        _show(error)
        sys.exit(error.exit_code)


def _note(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning as plain text, without its source line."""
    if issubclass(category, UserWarning):
        console.print(f"[yellow]Note:[/yellow] {_escape(str(message))}", soft_wrap=True)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def _show(error: SuperAnimalError) -> None:
    problem, *others = error.parts("shell")
    console.print(f"[bold red]Error:[/bold red] {_escape(problem)}", soft_wrap=True)
    for line in others:
        if line:
            console.print(f"  {_escape(line)}", soft_wrap=True)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
