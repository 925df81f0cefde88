"""Peers in R (Debian packages) and PyMC on the same data; one that is not installed is skipped with the reason."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.timing import Row, command, measured, skipped

HERE = Path(__file__).resolve().parent


def run_r(script: str, *arguments: object) -> dict[str, Any]:
    """Run an R script of this folder and return what it printed: one JSON object on its last line.

    Raises
    ------
    RuntimeError
        If R or a package is missing, or the script failed.
    """
    if shutil.which("Rscript") is None:
        raise RuntimeError("Rscript is not installed")
    printed = command(["Rscript", "--vanilla", str(HERE / script), *map(str, arguments)])
    found: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    if "missing" in found:
        raise RuntimeError(f"the R package {found['missing']} is not installed")
    return found


def scalar(values: list[Any]) -> Any:
    """Return the one element of what R makes a vector."""
    (value,) = values
    return value


def metafor(*, count: int = 65, studies: int = 25, repeats: int = 20) -> list[Row]:
    """Fit the linear model by REML with rma.mv."""
    table = data.effects(count, studies)
    case = f"linear, {table.name}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "effects.csv"
        data.write_effects(table, path)
        try:
            found = run_r("metafor.R", path, repeats)
        except RuntimeError as error:
            return [skipped("linear", case, "metafor rma.mv, REML", str(error))]
    values = {"beta": found["beta"], "sigma2": found["sigma2"], "version": scalar(found["version"])}
    return [measured("linear", case, "metafor rma.mv, REML", found["seconds"], values=values)]


def brms(*, count: int = 65, studies: int = 25, repeats: int = 3, draws: int = 1000) -> list[Row]:
    """Fit the linear model with the same priors by NUTS (four chains, one after another), then bridge sampling."""
    table = data.effects(count, studies)
    case = f"linear, {table.name}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "effects.csv"
        data.write_effects(table, path)
        try:
            found = run_r("brms.R", path, repeats, draws, data.BETWEEN, data.WITHIN)
        except RuntimeError as error:
            return [skipped("linear", case, "brms + bridgesampling", str(error))]
    total = [a + b for a, b in zip(found["sampling"], found["bridge"], strict=True)]
    values = {name: found[name] for name in ("log_evidence", "relative_error", "means")}
    values["version"] = scalar(found["version"])
    note = f"compilation ({found['compile'][0]:.0f} s) not counted"
    rows = [measured("linear", case, "brms + bridgesampling", total, values=values, note=note)]
    for part in ("sampling", "bridge"):
        rows.append(measured("linear", case, f"brms: {part} alone", found[part]))
    return rows


def pymc(*, count: int = 65, studies: int = 25, draws: int = 1000) -> list[Row]:
    """Fit the linear model by the package's own PyMC engine: nutpie, four chains, bridge sampling; one call."""
    from metaanalysis.engines import pymc as engine

    table = data.effects(count, studies)
    model = data.models(("linear",))["linear"]
    fit = engine.fit(model, table, draws=draws, tune=draws, cores=1)
    assert fit.log_evidence is not None
    values = {"log_evidence": fit.log_evidence.value, "error": fit.log_evidence.error}
    note = "compilation counted, import of PyMC included"
    return [
        measured(
            "linear", f"linear, {table.name}", "PyMC engine + bridge", [fit.record.seconds], values=values, note=note
        )
    ]


def strucchange(*, count: int = 10_000, repeats: int = 1) -> list[Row]:
    """Compute the F statistics of a change at every row."""
    case, tool = f"{count} rows", "strucchange Fstats"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        data.write_rows(count, path)
        try:
            found = run_r("strucchange.R", path, repeats)
        except RuntimeError as error:
            return [skipped("threshold", case, tool, str(error))]
    values = {name: scalar(found[name]) for name in ("sup_f", "version")}
    return [measured("threshold", case, tool, found["seconds"], values=values, note="no warm-up")]
