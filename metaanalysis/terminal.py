"""Results on a terminal: the same frames and words as in the report."""

import math
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from metaanalysis import report
from metaanalysis.results import Results

if TYPE_CHECKING:
    import pandas as pd


def print_results(results: Results) -> None:
    """Print question, answer, model comparison, prior sensitivity, threshold and sensitivity analyses."""
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    numbers = report.numbers(results)
    console.print(f"[bold]{results.title}[/bold]")
    console.print(f"{numbers['k.effects']} effects in {numbers['k.studies']} studies")
    console.print()
    console.print(str(numbers["verdict.answer"]))
    if numbers.get("verdict.sharpness.answer"):
        console.print(str(numbers["verdict.sharpness.answer"]))
    console.print()
    console.print(_models(results.frames["models"]))
    console.print()
    console.print(_grid(results.frames["grid"]))
    console.print()
    console.print(_threshold(results.frames["threshold"]))
    if len(results.frames["sensitivity"]):
        console.print()
        console.print(_sensitivity(results.frames["sensitivity"]))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=None, title_justify="left", title_style="bold", pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    return table


def _models(frame: "pd.DataFrame") -> Table:
    table = _table("Models", "model", "family", "log evidence", "error", "BF against flat", "probability")
    for row in frame.to_dict("records"):
        table.add_row(
            row["model"],
            row["family"],
            f"{row['log_evidence']:.4f}",
            f"{row['error']:.0e}",
            f"{math.exp(row['log_bf']):.3g}",
            f"{row['probability']:.3f}",
        )
    return table


def _grid(frame: "pd.DataFrame") -> Table:
    table = _table(
        "Discontinuous against continuous, over the prior width", "prior width", "Bayes factor", "probability"
    )
    for row in frame.to_dict("records"):
        table.add_row(f"× {row['scale']:g}", f"{math.exp(row['log_bf']):.3g}", f"{row['probability']:.3f}")
    return table


def _threshold(frame: "pd.DataFrame") -> Table:
    table = _table("Where a step would lie", "between", "posterior", "prior", "")
    for row in frame[frame["model"] == "step"].to_dict("records"):
        beyond = "beyond the data" if row["beyond"] else ""
        table.add_row(f"{row['low']:g} and {row['high']:g}", f"{row['probability']:.3f}", f"{row['prior']:.3f}", beyond)
    return table


def _sensitivity(frame: "pd.DataFrame") -> Table:
    table = _table("Sensitivity", "variant", "studies", "effects", "Bayes factor", "probability")
    for row in frame.to_dict("records"):
        table.add_row(
            f"{row['group']}: {row['variant']}",
            str(row["studies"]),
            str(row["effects"]),
            f"{math.exp(row['log_bf']):.3g}",
            f"{row['probability']:.3f}",
        )
    return table
