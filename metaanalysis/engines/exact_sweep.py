"""The integrand of the exact engine on a tensor of nodes: summed, or kept node by node."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.exact_problem import Problem, evaluate
from metaanalysis.engines.quadrature import Nodes
from metaanalysis.engines.shape_nodes import ShapeNodes
from metaanalysis.errors import NumericalError

Array = NDArray[np.float64]
MAX_BYTES = 4e6  # fits the processor's cache
MOST_BYTES = 64e6
SHORTEST = 32
DROPPED = 1e-7  # posterior mass of the nodes that are not kept


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """The integrand on all nodes.

    Attributes
    ----------
    log_total : float
        Log of the integral.
    log_mass : (N,) array
        Log integrand times weight at the nodes kept.
    at : (axes + 1, N) array of int
        Index of each node kept along every axis and among the shape nodes.
    factors : (q(q+1)/2, N) array
        Cholesky factors there.
    """

    log_total: float
    log_mass: Array
    at: NDArray[np.intp]
    factors: Array


def scan(problem: Problem, nodes: Sequence[Nodes], shapes: ShapeNodes) -> Array:
    """Return the log integrand on the axes, shapes summed out."""
    total: Array | None = None
    for part in _chunks(problem, nodes, len(shapes)):
        chosen = {name: value[part] for name, value in shapes.values.items()}
        log_like, _ = evaluate(problem, [node.value for node in nodes], chosen)
        summed = log_sum(log_like + shapes.log_weight[part], (-1,))
        total = summed if total is None else np.logaddexp(total, summed)
    assert total is not None
    _require_finite(problem, total)
    return total + _axis_weights(nodes)


def sweep(problem: Problem, nodes: Sequence[Nodes], shapes: ShapeNodes) -> Swept:
    """Return the integrand on all nodes, those of negligible mass left out."""
    weights = _axis_weights(nodes)
    masses, places, factors, totals, best = [], [], [], [], -np.inf
    size = weights.size * len(shapes)
    cut = -np.log(DROPPED) + np.log(size)
    for part in _chunks(problem, nodes, len(shapes)):
        chosen = {name: value[part] for name, value in shapes.values.items()}
        log_like, factored = evaluate(problem, [node.value for node in nodes], chosen)
        log_mass = log_like + weights[..., None] + shapes.log_weight[part]
        _require_finite(problem, log_mass)
        totals.append(float(log_sum(log_mass, tuple(range(log_mass.ndim)))))
        best = max(best, float(log_mass.max()))
        keep = np.nonzero(log_mass > best - cut)
        masses.append(log_mass[keep])
        factors.append(np.moveaxis(factored, -2, 0)[(slice(None), *keep)])
        places.append(np.stack([*keep[:-1], keep[-1] + part.start]))
    log_mass = np.concatenate(masses)
    keep_all = log_mass > best - cut
    return Swept(
        float(np.logaddexp.reduce(totals)),
        log_mass[keep_all],
        np.concatenate(places, axis=1)[:, keep_all],
        np.concatenate(factors, axis=1)[:, keep_all],
    )


def log_total(problem: Problem, nodes: Sequence[Nodes], shapes: ShapeNodes) -> float:
    """Return the log of the integral."""
    density = scan(problem, nodes, shapes)
    return float(log_sum(density, tuple(range(density.ndim))))


def shape_masses(problem: Problem, nodes: Sequence[Nodes], shapes: ShapeNodes) -> Array:
    """Return the log integrand (n,) at the shape nodes, axes summed out."""
    weights = _axis_weights(nodes)[..., None]
    parts = []
    for part in _chunks(problem, nodes, len(shapes)):
        chosen = {name: value[part] for name, value in shapes.values.items()}
        log_like, _ = evaluate(problem, [node.value for node in nodes], chosen)
        parts.append(log_sum(log_like + weights, tuple(range(len(nodes)))) + shapes.log_weight[part])
    return np.concatenate(parts)


def log_sum(values: Array, axis: tuple[int, ...]) -> Array:
    """Return the log of the sum of exponentials over some axes."""
    top = values.max(axis=axis, keepdims=True)
    return np.asarray(np.squeeze(top, axis) + np.log(np.exp(values - top).sum(axis=axis)))


def _require_finite(problem: Problem, values: Array) -> None:
    """Refuse a system of equations that is not positive definite."""
    if np.isnan(values).any():
        raise NumericalError(
            f"{problem.table.name}: {problem.model.name}: the coefficients {', '.join(problem.names)} are not "
            "identified under improper priors. Give them proper priors."
        )


def _axis_weights(nodes: Sequence[Nodes]) -> Array:
    """Return the sum of the log weights of all axes, as a tensor."""
    total = np.zeros([1] * len(nodes))
    for i, node in enumerate(nodes):
        total = total + node.log_weight.reshape([-1 if j == i else 1 for j in range(len(nodes))])
    return total


def _chunks(problem: Problem, nodes: Sequence[Nodes], count: int) -> list[slice]:
    """Return slices of the shape nodes that keep the working memory bounded."""
    q = len(problem.names) + 1
    size = q * (q + 1) // 2
    lengths = [len(node.value) for node in nodes]
    rows, studies = len(problem.table), len(problem.table.blocks)
    needed = 8.0 * size * (math.prod(lengths) + 2 * rows + lengths[-3] * studies)
    # Few shapes at a time leave the inner loops too short.
    step = max(1, min(max(int(MAX_BYTES / needed), min(SHORTEST, int(MOST_BYTES / needed))), count))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
