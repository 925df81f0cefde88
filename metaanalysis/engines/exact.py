"""The exact engine: closed-form integration of everything Gaussian, quadrature over the few remaining parameters.

The rule is refined until the log evidence moves by less than the tolerance; what it last moved by is the stated error.
The nodes with their posterior weights and conjugate posteriors are a finite mixture of normals, from which every other
result follows.
"""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import EngineRecord, Fit, Support
from metaanalysis.engines.exact_posterior import build_posterior
from metaanalysis.engines.exact_problem import Problem, prepare
from metaanalysis.engines.exact_refine import Refined, refine
from metaanalysis.engines.exact_supports import supports as _supports
from metaanalysis.engines.exact_sweep import DROPPED, log_sum, log_total, scan, sweep
from metaanalysis.engines.quadrature import Axis, narrow, resolve
from metaanalysis.engines.shape_nodes import FINEST, Levels, ShapeNodes, shape_nodes
from metaanalysis.errors import Fault, NumericalError, UnsupportedError
from metaanalysis.models.model import Model
from metaanalysis.number import Number

Array = NDArray[np.float64]
VERSION = "1"
TOLERANCE = 1e-6
SCAN = {0: 1, 1: 33, 2: 15, 3: 9, 4: 7, 5: 5}
FINEST_TAU = 12
POSTERIOR_TOLERANCE = 100.0  # times that of the evidence


def supports(model: Model, table: EffectTable) -> Support:
    """Return whether the exact engine can fit `model` to `table`, and if not why and what to do."""
    return _supports(model, table)


def fit(model: Model, table: EffectTable, *, tolerance: float = TOLERANCE, allow_unidentified: bool = False) -> Fit:
    """Fit a model by closed-form integration and deterministic quadrature.

    Parameters
    ----------
    model : Model
        Any model of the package.
    table : EffectTable
        Effects with their known covariance.
    tolerance : float
        Largest accepted change of the log evidence at the last refinement.
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
    axes = locate(problem)
    refined = converge(problem, axes, tolerance)
    shapes = shape_nodes(model, problem.exposures, shape_levels(refined.posterior))
    nodes = [axis.nodes(refined.posterior.get(axis.name, 0)) for axis in axes]
    swept = sweep(problem, nodes, shapes)
    error = max(refined.error, abs(swept.log_total - refined.value) - refined.posterior_error)
    if error > tolerance:
        raise NumericalError(f"{table.name}: {model.name}: two ways of refining the quadrature differ by {error:.1g}")
    kept = (swept.log_mass, swept.at, swept.factors)
    posterior = build_posterior(
        problem, axes, nodes, shapes, *kept, error=refined.posterior_error + DROPPED, finest=refined.last
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


def locate(problem: Problem) -> tuple[Axis, ...]:
    """Return the axes cut to where the posterior mass is, with as many nodes as its width asks for."""
    shapes = shape_nodes(problem.model, problem.exposures, Levels())
    axes = problem.axes
    free = [i for i, axis in enumerate(axes) if axis.rule != "point"]
    count = SCAN[min(len(free), 5)]
    for _ in range(12):
        grids = [axis.scan(count) for axis in axes]
        density = scan(problem, grids, shapes)
        cut = list(axes)
        for i in free:
            profile = density.max(axis=tuple(j for j in range(len(axes)) if j != i))
            cut[i] = narrow(axes[i], grids[i].t, profile)
        shrunk = [(cut[i].upper - cut[i].lower) / (axes[i].upper - axes[i].lower) for i in free]
        if all(ratio > 0.6 for ratio in shrunk):
            break
        axes = tuple(cut)
    for i in free:
        others = tuple(j for j in range(len(axes)) if j != i)
        profile = log_sum(density, others) if others else density
        cut[i] = resolve(cut[i], grids[i].t, profile)
    return tuple(cut if free else axes)


def shape_levels(point: Mapping[str, int]) -> Levels:
    """Return the levels of the shape rules at a point of the refinement."""
    threshold = point.get("threshold", 0)
    return Levels(threshold, point.get("scale", threshold))


def converge(problem: Problem, axes: Sequence[Axis], tolerance: float) -> Refined:
    """Return the log evidence, refined until it no longer moves by more than the tolerance."""

    @lru_cache(maxsize=4)
    def shapes_at(levels: Levels) -> ShapeNodes:
        return shape_nodes(problem.model, problem.exposures, levels)

    mean, priors = problem.model.mean, problem.model.shapes
    kinds = {shape.kind for shape in mean.shapes if not priors[shape.name].fixed}
    # Panels over a threshold with layers depend on the width, so the two are refined together.
    together = mean.between_breaks == "layered"

    def total(point: Mapping[str, int]) -> float:
        nodes = [axis.nodes(point.get(axis.name, 0)) for axis in axes]
        return log_total(problem, nodes, shapes_at(shape_levels(point)))

    finest = {axis.name: FINEST_TAU for axis in axes if axis.rule != "point"}
    if "threshold" in kinds and mean.between_breaks != "constant":
        finest["threshold"] = FINEST
    if kinds - {"threshold"} and not (together and "threshold" in kinds):
        finest["scale"] = FINEST
    where = f"{problem.table.name}: {problem.model.name}"
    return refine(
        total,
        finest,
        start={name: 2 if together and name == "threshold" else 0 for name in finest},
        tolerance=tolerance,
        posterior_tolerance=POSTERIOR_TOLERANCE * tolerance,
        where=where,
    )
