"""The exact engine: closed-form integration of everything Gaussian, quadrature over the few remaining parameters.

The rule is refined until the log evidence hardly moves; twice what it last moved by is the stated error.
The nodes with their posterior weights and conjugate posteriors are a finite mixture of normals, from which every other
result follows.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import EngineRecord, Fit, Support
from metaanalysis.engines.exact_locate import Located, locate
from metaanalysis.engines.exact_posterior import build_posterior
from metaanalysis.engines.exact_problem import Problem, prepare
from metaanalysis.engines.exact_refine import Refined, refine
from metaanalysis.engines.exact_supports import supports as _supports
from metaanalysis.engines.exact_sweep import DROPPED, log_total, sweep
from metaanalysis.engines.shape_nodes import FINEST, Levels, ShapeNodes, shape_nodes
from metaanalysis.engines.threads import one_thread
from metaanalysis.errors import Fault, NumericalError, UnsupportedError
from metaanalysis.models.model import Model
from metaanalysis.number import Number

Array = NDArray[np.float64]
VERSION = "1"
TOLERANCE = 1e-6
REMEDY = "Narrow the priors or accept a larger tolerance."
SINGLE = (
    "With one effect per study only the sum of the between- and within-study variances is known: fix within = 0, "
    "narrow the priors or accept a larger tolerance."
)
FINEST_TAU = 12
POSTERIOR_TOLERANCE = 100.0  # times that of the evidence


def supports(model: Model, table: EffectTable) -> Support:
    """Return whether the exact engine can fit `model` to `table`, and if not why and what to do."""
    return _supports(model, table)


@one_thread()
def fit(model: Model, table: EffectTable, *, tolerance: float = TOLERANCE, allow_unidentified: bool = False) -> Fit:
    """Fit a model by closed-form integration and deterministic quadrature.

    Parameters
    ----------
    model : Model
        Any model of the package.
    table : EffectTable
        Effects with their known covariance.
    tolerance : float
        Largest accepted error of the log evidence.
    allow_unidentified : bool
        Fit although the data say nothing about some parameter, such as a threshold beyond all exposures.

    Returns
    -------
    Fit
        With `log_evidence` and its numerical error; None if a prior is improper.

    Raises
    ------
    UnsupportedError
        If the model cannot be fitted to the table; the message says why.
    NumericalError
        If the tolerance is not reached.
    """
    started = time.perf_counter()
    _require_supported(model, table, allow_unidentified)
    problem = prepare(model, table)
    located = locate(problem)
    refined = converge(problem, located, tolerance)
    shapes = shape_nodes(model, located.cells, shape_levels(refined.posterior))
    nodes = [axis.nodes(refined.posterior.get(axis.name, 0)) for axis in located.axes]
    swept = sweep(problem, nodes, shapes)
    error = max(refined.error, abs(swept.log_total - refined.value) - refined.posterior_error)
    if error > tolerance:
        raise NumericalError(f"{table.name}: {model.name}: two ways of refining the quadrature differ by {error:.1g}")
    finest = {**refined.last, **asdict(shape_levels(refined.last))}
    kept = (swept.log_mass, swept.at, swept.factors)
    posterior = build_posterior(
        problem, located, nodes, shapes, *kept, error=refined.posterior_error + DROPPED, finest=finest
    )
    settings = {"tolerance": tolerance, **refined.posterior}
    seconds = time.perf_counter() - started
    return Fit(
        model=model,
        table=table,
        log_evidence=Number(refined.value, error) if model.proper else None,
        posterior=posterior,
        record=EngineRecord("exact", VERSION, settings, len(posterior.weights), seconds),
        diagnostics={"quadrature_error": error, "posterior_error": posterior.error},
    )


def _require_supported(model: Model, table: EffectTable, allow_unidentified: bool) -> None:
    """Raise the reason why the engine cannot fit the model, if there is one."""
    support = _supports(model, table, allow_unidentified=allow_unidentified)
    if not support.ok:
        raise UnsupportedError(Fault(table.name, model.name, support.reason, support.remedy))


@one_thread()
def log_evidence(
    model: Model, table: EffectTable, *, tolerance: float = TOLERANCE, allow_unidentified: bool = False
) -> Number:
    """Return the log evidence only, which is cheaper than a fit.

    Raises
    ------
    UnsupportedError, NumericalError
        As `fit` does, and also if a prior is improper.
    """
    _require_supported(model, table, allow_unidentified)
    if not model.proper:
        raise improper(model, table)
    problem = prepare(model, table)
    refined = converge(problem, locate(problem), tolerance)
    return Number(refined.value, refined.error)


def improper(model: Model, table: EffectTable) -> UnsupportedError:
    """Return the refusal of evidence under improper priors."""
    names = ", ".join(name for name, prior in model.priors.items() if not prior.proper) or "a covariate"
    return UnsupportedError(
        Fault(
            table.name,
            model.name,
            f"evidence is undefined: the prior of {names} is improper",
            "Give a proper prior to every parameter, or ask for estimates only.",
        )
    )


def shape_levels(point: Mapping[str, int]) -> Levels:
    """Return the levels of the shape rules at a point of the refinement."""
    return Levels(point.get("threshold", 0), point.get("scale", 0))


def converge(problem: Problem, located: Located, tolerance: float) -> Refined:
    """Return the log evidence, refined until it no longer moves by more than the tolerance."""

    @lru_cache(maxsize=4)
    def shapes_at(levels: Levels) -> ShapeNodes:
        return shape_nodes(problem.model, located.cells, levels)

    def total(point: Mapping[str, int]) -> float:
        nodes = [axis.nodes(point.get(axis.name, 0)) for axis in located.axes]
        return log_total(problem, nodes, shapes_at(shape_levels(point)))

    finest = {axis.name: FINEST_TAU for axis in located.axes if axis.rule != "point"}
    finest |= {kind: FINEST for kind in ("threshold", "scale") if kind in located.cells.kinds}
    return refine(
        total,
        finest,
        start=dict.fromkeys(finest, 0),
        tolerance=tolerance,
        posterior_tolerance=POSTERIOR_TOLERANCE * tolerance,
        where=f"{problem.table.name}: {problem.model.name}",
        remedy=SINGLE if len(problem.table) == len(problem.table.blocks) else REMEDY,
    )
