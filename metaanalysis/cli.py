"""The command line: check, effects, run, report, calibrate, generate."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from metaanalysis.errors import bad
from metaanalysis.studies.load import DATA

app = typer.Typer(
    name="metaanalysis",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=(
        "Is there a cliff in the productivity gains from large language models, or a smooth curve?\n\n"
        "The dataset is in `data/`, the questions in `analyses/`. Typical use: `metaanalysis check`, then "
        "`metaanalysis run practice`, then `metaanalysis report`.\n\n"
        "Exit codes: 0 done; 1 a computation failed or something is out of date; 2 wrong input."
    ),
)

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the dataset.", show_default="data")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ANALYSIS]…", help="Analyses by name, or paths of spec files; default all."),
]


@app.command()
def check(
    data: DataOption = DATA,
    strict: Annotated[bool, typer.Option(help="Count what is merely suspicious as wrong.")] = False,
) -> None:
    """Validate the dataset and the analysis specs; silent if all is well.

    Wrong: malformed files, unknown fields, duplicate keys, references that do not resolve, printed numbers that
    contradict each other, arms without codings. Suspicious: what a reader should look at once more. Exit code 2
    if anything is wrong.
    """
    from metaanalysis.errors import Fault, InputError
    from metaanalysis.spec import build_models, find_specs, load_spec
    from metaanalysis.studies.check import check_dataset

    findings = check_dataset(data)
    faults: list[Fault] = []
    for path in find_specs([]):
        try:
            build_models(load_spec(path))
        except InputError as error:
            faults += error.faults
    if not findings and not faults:
        _whisper(f"{data}: nothing wrong, nothing suspicious")
    for line in (*findings, *(f"wrong: {fault}" for fault in faults)):
        print(line, file=sys.stderr)
    if faults or any(finding.severity == "wrong" or strict for finding in findings):
        raise typer.Exit(2)


@app.command()
def effects(
    study: Annotated[list[str] | None, typer.Option(help="Only this study; may be repeated.")] = None,
    family: Annotated[list[str] | None, typer.Option(help="Only this outcome family; may be repeated.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="Only this role; may be repeated.")] = None,
    usable: Annotated[bool, typer.Option(help="Only effects with a standard error.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write to this .csv or .parquet file instead.")] = None,
    data: DataOption = DATA,
) -> None:
    """Print or write every effect: log ratio (or log odds ratio), standard error, route, exposure."""
    from metaanalysis.effects.rows import effect_rows, write_rows
    from metaanalysis.studies.codings import load_codings
    from metaanalysis.studies.load import load_studies

    studies = load_studies(data / "studies")
    for key in study or []:
        if key not in studies:
            raise bad("--study", "", f"there is no study {key!r}", "See the file names in data/studies.")
    rows = [
        row
        for row in effect_rows(
            {k: s for k, s in studies.items() if not study or k in study}, load_codings(data / "codings")
        )
        if (not family or row["family"] in family)
        and (not role or row["role"] in role)
        and (not usable or row["se"] is not None)
    ]
    if out is not None:
        write_rows(rows, out)
        _whisper(f"{out}: {len(rows)} effects")
    else:
        _print_effects(rows)


@app.command()
def run(names: Names = None) -> None:
    """Run analyses and print what they find: models, evidence with its prior sensitivity, threshold."""
    from metaanalysis.analysis import run_analysis
    from metaanalysis.spec import find_specs, load_spec
    from metaanalysis.terminal import print_results

    for path in find_specs(names or []):
        print_results(run_analysis(load_spec(path), folder=path.parent, progress=_whisper))


@app.command()
def report(
    names: Names = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the PDFs.", show_default="reports")] = None,
    update: Annotated[
        bool, typer.Option(help="Also rewrite the committed numbers.json, the README's numbers and its figure.")
    ] = False,
) -> None:
    """Run analyses and write their PDF reports."""
    from metaanalysis.publish import publish
    from metaanalysis.spec import find_specs

    for path in publish(find_specs(names or []), out=out, update=update, progress=_whisper):
        print(path)


@app.command()
def calibrate(
    name: Annotated[str, typer.Argument(metavar="[ANALYSIS]", help="Name, or path of a spec.")] = "practice",
    simulations: Annotated[int, typer.Option(help="Simulations of every member, and of the family.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed; results depend on it alone, not on the processes.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
    out: Annotated[Path, typer.Option(help="File that keeps the results, task by task.")] = Path("calibration.jsonl"),
    resume: Annotated[bool, typer.Option(help="Go on with that file.")] = False,
    record: Annotated[Path | None, typer.Option(help="Also write the record to this file.")] = None,
) -> None:
    """Simulate from every member on the design of an analysis, and see whether the answers come true.

    True values must be spread evenly over their posteriors, and models be true as often as their probabilities say.
    Can be interrupted at any time and taken up again with --resume. Exit code 1 if something did not hold.
    """
    from metaanalysis.analysis import gather
    from metaanalysis.design import command
    from metaanalysis.design.calibration import Plan
    from metaanalysis.spec import build_models, find_specs, load_spec

    (path,) = find_specs([name])
    spec = load_spec(path)
    plan = Plan(gather(spec, folder=path.parent).table, build_models(spec), seed)
    held = command.calibrate(
        plan, analysis=spec.name, simulations=simulations, out=out, resume=resume, workers=workers, record=record
    )
    if not held:
        raise typer.Exit(1)


@app.command()
def generate(
    verify: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date.")] = False,
) -> None:
    """Rewrite the generated documents: field dictionaries and JSON Schemas."""
    from metaanalysis.dictionary import documents
    from metaanalysis.files import display, write_text

    stale = [
        path for path, text in documents().items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        if verify:
            print(f"{display(path)}: is out of date. Run 'metaanalysis generate'.", file=sys.stderr)
        else:
            write_text(path, documents()[path])
            print(display(path))
    if verify and stale:
        raise typer.Exit(1)


def _whisper(message: str) -> None:
    """Tell progress to a person; stay silent in pipes and logs."""
    if sys.stderr.isatty():
        print(message, file=sys.stderr)


def _print_effects(rows: list[dict[str, object]]) -> None:
    """Print rows as a table that fits the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    columns = ("study", "effect", "family", "role", "y", "se", "x", "route")
    for column in columns:
        table.add_column(column, justify="right" if column in ("y", "se", "x") else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
