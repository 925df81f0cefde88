"""This package: the family, one model, growth with the number of effects, memory, individual-level thresholds."""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.timing import Row, command, measured, repeat
from metaanalysis.compare import compare
from metaanalysis.engines import exact
from metaanalysis.engines.classical import f_statistics, multilevel, threshold_regression

MEMORY = """
import json, resource, sys
from pathlib import Path
from benchmarks import data
from metaanalysis.compare import compare
from metaanalysis.engines import exact
def peak():  # the resource usage of a new process starts from its parent's on Linux, the status file does not
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
count, studies, names = int(sys.argv[1]), int(sys.argv[2]), tuple(sys.argv[3].split(","))
table, models = data.effects(count, studies), data.models(names)
exact.log_evidence(data.models(("flat",))["flat"], data.effects(8, 4))
before = peak()
compare(table, models, prior_grid=[1.0])
print(json.dumps([before, peak()]))
"""


def family(*, names: tuple[str, ...] = data.FAMILY, count: int = 65, studies: int = 25, repeats: int = 5) -> list[Row]:
    """Compare the whole family, then each member alone: evidence only, and the full posterior."""
    table, models = data.effects(count, studies), data.models(names)
    where = f"{len(names)} members, {table.name}"
    found = compare(table, models, prior_grid=[1.0])
    evidence = {name: round(value.value, 4) for name, value in found.log_evidence.items()}
    errors = {f"error of {name}": float(f"{value.error:.1g}") for name, value in found.log_evidence.items()}
    rows = [
        measured(
            "family", where, "compare: evidence and posteriors",
            repeat(lambda: compare(table, models, prior_grid=[1.0]), repeats), values={**evidence, **errors},
        ),
        measured(
            "family", where, "log evidence only",
            repeat(lambda: [exact.log_evidence(model, table) for model in models.values()], repeats),
        ),
        measured(
            "family", where, "log evidence only, to 1e-4",
            repeat(lambda: [exact.log_evidence(m, table, tolerance=1e-4) for m in models.values()], repeats),
        ),
    ]  # fmt: skip
    for name, model in models.items():
        times = repeat(partial(exact.log_evidence, model, table), repeats)
        rows.append(measured("family", f"{name}, {table.name}", "log evidence", times))
        nodes = exact.fit(model, table).record.nodes
        times = repeat(partial(exact.fit, model, table), repeats)
        rows.append(measured("family", f"{name}, {table.name}", "fit", times, values={"nodes": nodes}))
    return rows


def linear(*, count: int = 65, studies: int = 25, repeats: int = 50) -> list[Row]:
    """Fit the linear member with two random effects; the same with correlated sampling errors; REML."""
    table, correlated = data.effects(count, studies), data.effects(count, studies, rho=0.6)
    model, where = data.models(("linear",))["linear"], f"linear, {table.name}"
    fit = exact.fit(model, table)
    assert fit.log_evidence is not None
    values = {"log_evidence": fit.log_evidence.value, "error": fit.log_evidence.error}
    means = {name: [fit.marginal(name).mean, fit.marginal(name).sd] for name in fit.parameters}
    design = data.linear_design(table)
    reml = multilevel(table, design)
    cases: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
        "exact: log evidence": (partial(exact.log_evidence, model, table), values),
        "exact: full posterior": (partial(exact.fit, model, table), means),
        "exact: log evidence, correlated errors": (partial(exact.log_evidence, model, correlated), {}),
        "REML": (
            partial(multilevel, table, design),
            {"beta": reml.beta.tolist(), "sigma2": list(reml.sigma2.values())},
        ),
    }
    return [
        measured("linear", where, tool, repeat(call, repeats), values=computed)
        for tool, (call, computed) in cases.items()
    ]


def growth(
    *, sizes: Sequence[tuple[int, int]] = ((100, 40), (1_000, 400), (10_000, 4_000)), repeats: int = 5
) -> list[Row]:
    """Fit linear and step to ever more effects: the time per effect must not grow."""
    rows = []
    for name in ("linear", "step"):
        model = data.models((name,))[name]
        for count, studies in sizes:
            table = data.effects(count, studies)
            times = repeat(partial(exact.log_evidence, model, table), repeats)
            per_effect = float(np.median(times)) / count * 1e6
            values = {"microseconds_per_effect": round(per_effect, 2)}
            rows.append(measured("growth", f"{name}, {table.name}", "log evidence", times, values=values))
    return rows


def memory(
    *,
    cases: Sequence[tuple[int, int, tuple[str, ...]]] = (
        (65, 25, ("linear",)),
        (65, 25, data.FAMILY),
        (1_000, 400, ("linear", "step")),
        (10_000, 4_000, ("linear", "step")),
    ),
) -> list[Row]:
    """Return the peak memory of a process of its own, above what importing the package takes."""
    rows = []
    for count, studies, names in cases:
        before, after = json.loads(command([sys.executable, "-c", MEMORY, str(count), str(studies), ",".join(names)]))
        case = f"{names[0] if len(names) == 1 else f'{len(names)} members'}, {count} effects in {studies} studies"
        values = {"start_mb": round(before, 1), "peak_mb": round(after, 1), "added_mb": round(after - before, 1)}
        rows.append(Row("memory", case, "compare", None, values=values, note="peak resident memory, MB"))
    return rows


def threshold(*, large: int = 1_000_000, small: int = 10_000, repeats: int = 3) -> list[Row]:
    """Fit least squares with an unknown threshold, and the sup-F test that strucchange makes."""
    rows = []
    for count in (large, small):
        y, q = data.rows(count)
        x = np.stack([np.ones(count), q], axis=1)
        fit = threshold_regression(y, x, q)
        times = repeat(partial(threshold_regression, y, x, q), repeats)
        values = {"threshold": fit.threshold, "candidates": len(fit.candidates)}
        rows.append(measured("threshold", f"{count} rows", "threshold_regression", times, values=values))
    found = f_statistics(y, x)
    times = repeat(lambda: f_statistics(y, x), repeats)
    values = {"sup_f": found.sup, "p": found.p_sup}
    rows.append(measured("threshold", f"{small} rows", "f_statistics", times, values=values))
    return rows
