"""The command ``metaanalysis calibrate``: run, show progress, print and write the record."""

import functools
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from metaanalysis.design.calibration import Plan, keys, run_task
from metaanalysis.design.record import build_record, header, p_values
from metaanalysis.design.tasks import Progress, run_tasks
from metaanalysis.files import display, write_text


def calibrate(
    plan: Plan,
    *,
    analysis: str,
    simulations: int,
    out: Path,
    resume: bool = False,
    workers: int = 2,
    record: Path | None = None,
) -> bool:
    """Run a calibration, print what it found, and return whether everything held.

    Parameters
    ----------
    plan : Plan
        What is calibrated.
    analysis : str
        Name of the analysis.
    simulations : int
        Simulations of every member, and of the family.
    out : Path
        File of results, task by task.
    resume : bool
        Go on with that file.
    workers : int
        Processes.
    record : Path, optional
        Where to write the record.

    Raises
    ------
    InputError
        If the file of results is there already or is of another run, or a number is not positive.
    """
    tasks = keys(list(plan.models), simulations)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, TextColumn("{task.fields[left]}"), console=Console(stderr=True)) as bar:
        shown = bar.add_task(f"calibrating {analysis}", total=len(tasks), left="")

        def tell(progress: Progress) -> None:
            bar.update(shown, completed=progress.done, total=progress.total, left=_time_left(progress.left))

        try:
            results = run_tasks(
                functools.partial(run_task, plan=plan),
                tasks,
                out,
                header=header(plan, analysis=analysis),
                resume=resume,
                workers=workers,
                progress=tell,
            )
        except KeyboardInterrupt:
            bar.stop()
            print(f"{display(out)} keeps what is done: go on with --resume", file=sys.stderr)
            raise
    found = build_record(plan, results, analysis=analysis, simulations=simulations)
    if record is not None:
        write_text(record, as_text(found))
    show(found)
    return holds(found)


def as_text(record: Mapping[str, Any]) -> str:
    """Return a record as JSON, lists of numbers on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    return re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def holds(record: Mapping[str, Any]) -> bool:
    """Return whether every test of a record holds and no fit failed."""
    smallest = min(p_values(record).values(), default=1.0)
    return not record["failures"] and smallest >= record["test"]["smallest_allowed"]


def show(record: Mapping[str, Any]) -> None:
    """Print a record."""
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    test = record["test"]
    console.print(
        f"{record['analysis']}: {record['simulations']} simulations of each member and of the family, "
        f"seed {record['seed']}, {record['processor_seconds']:.0f} s of processor time"
    )
    console.print(_uniformity(record))
    if record["probabilities"]:
        console.print(_members(record["probabilities"]))
        for name, words in (("of_the_truth", "probability of the true member"), ("log_score", "log score")):
            row = record["probabilities"][name]
            console.print(f"{words}: {row['mean']:.3f}, expected {row['expected']:.3f} (p = {row['p_difference']:.2g})")
    console.print(
        f"smallest of {test['tests']} p-values: {test['smallest_found']:.2g} ({test['where']}); "
        f"allowed {test['smallest_allowed']:.2g}; failed fits: {len(record['failures'])}"
    )
    console.print("everything held" if holds(record) else "[bold]something did not hold[/bold]")


def _uniformity(record: Mapping[str, Any]) -> Table:
    table = Table(title="Probability below the true value: uniform?", box=None, title_justify="left", pad_edge=False)
    for column in ("member", "quantity", "counts", "p, chi-square", "p, distribution"):
        table.add_column(column, justify="right" if column.startswith("p,") else "left")
    for member, quantities in record["pit"].items():
        for name, row in quantities.items():
            counts = " ".join(f"{count:d}" for count in row["counts"])
            table.add_row(member, name, counts, f"{row['p_chi_square']:.3f}", f"{row['p_ecdf']:.3f}")
    return table


def _members(probabilities: Mapping[str, Any]) -> Table:
    table = Table(title="Posterior model probabilities", box=None, title_justify="left", pad_edge=False)
    for i, column in enumerate(("member", "prior", "mean said", "error", "true", "p, prior", "p, exact")):
        table.add_column(column, justify="right" if i else "left")
    rows = {**probabilities["members"], "discontinuous": probabilities.get("discontinuous")}
    for name, row in rows.items():
        if row:
            cells = (row[key] for key in ("prior", "said", "error", "true", "p_prior", "p_exact"))
            table.add_row(name, *(f"{cell:.3f}" for cell in cells))
    return table


def _time_left(seconds: float) -> str:
    """Return the time left in words."""
    if seconds != seconds:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s left" if minutes else f"{rest} s left"
