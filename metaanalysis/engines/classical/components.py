"""Variance components of a multilevel meta-regression: what is maximised, and how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as cartesian
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.classical.marginal import Level, Likelihood, Stack, likelihood, stacks
from metaanalysis.errors import NumericalError, bad

Array = NDArray[np.float64]
Method = Literal["ML", "REML"]
DEFAULT_LEVELS: tuple[Level, ...] = ("study", "effect")
SHARES = {1: np.logspace(-3, 0.5, 8), 2: np.array([1e-3, 0.05, 0.2, 0.5, 1.0]), 3: np.array([1e-3, 0.1, 0.4, 1.0])}


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A table and a design whose variance components are to be found.

    Attributes
    ----------
    parts : tuple of Stack
        The table, cut into stacks.
    y, x : (K,) and (K, p) arrays
        Effects and design.
    restricted : bool
        REML rather than ML.
    log_gram : float
        log|X′X|.
    scale : float
        Typical size of a variance component.
    redundant : tuple of int
        Levels whose groups are those of an earlier level, such as effects where every study has one: their component is
        held at zero, because only the sum can be known.
    """

    parts: tuple[Stack, ...]
    y: Array
    x: Array
    restricted: bool
    log_gram: float
    scale: float
    redundant: tuple[int, ...]

    def at(self, components: Array) -> Likelihood:
        """Return the likelihood at given variance components."""
        return likelihood(self.parts, self.y, self.x, components, restricted=self.restricted, log_gram=self.log_gram)

    def with_design(self, x: Array) -> "Problem":
        """Return the same problem with another design."""
        return replace(self, x=x, log_gram=_log_det(x.T @ x))


def problem(
    table: EffectTable, x: ArrayLike | None = None, *, levels: Sequence[Level], method: Method = "REML"
) -> Problem:
    """Check a table and a design and set up their likelihood; see `multilevel` for what is refused."""
    design = np.ones((len(table), 1)) if x is None else np.asarray(x, float)
    if design.ndim != 2 or design.shape[0] != len(table) or not np.isfinite(design).all():
        raise bad(table.name, "x", "the design has the wrong shape or a value that is not finite", "Check its rows.")
    p = design.shape[1]
    if p and np.linalg.matrix_rank(design / np.maximum(np.abs(design).max(axis=0), 1e-300)) < p:
        raise bad(table.name, "x", "moderators are linearly dependent or do not vary", "Drop one of them.")
    groups = len(table.blocks) if "study" in levels else len(table)
    if len(table) <= p or (levels and groups < 2):
        problem = f"{len(table)} effect(s) of {len(table.blocks)} study(ies) cannot estimate {p} coefficient(s)"
        raise bad(table.name, "", f"{problem} and the heterogeneity", "Add studies or drop moderators.")
    parts = stacks(table, levels)
    redundant = tuple(
        j
        for j in range(len(levels))
        if any(all(np.array_equal(part.groups[i], part.groups[j]) for part in parts) for i in range(j))
    )
    log_gram = _log_det(design.T @ design)
    return Problem(parts, table.y, design, method == "REML", log_gram, _typical(table, design), redundant)


def _log_det(matrix: Array) -> float:
    return float(np.linalg.slogdet(matrix)[1])


def _typical(table: EffectTable, design: Array) -> float:
    """Return a typical size of the variance components; effects that say nothing do not move it."""
    v = table.v
    root = 1 / np.sqrt(v + np.median(v))
    rest = root * table.y
    if design.shape[1]:
        columns = root[:, None] * design
        rest = rest - columns @ np.linalg.lstsq(columns, rest, rcond=None)[0]
    return float(np.sum(rest**2) / np.sum(root**2)) + 1e-6 * float(np.median(v))


def maximise(
    task: Problem, levels: int, *, start: Array | None = None, fixed: Mapping[int, float] | None = None
) -> Array:
    """Return the variance components ≥ 0 that maximise the likelihood.

    Parameters
    ----------
    task : Problem
        What is to be maximised.
    levels : int
        Number of variance components.
    start : (levels,) array, optional
        Where to start; by default the best point of a coarse grid.
    fixed : mapping of int to float, optional
        Components to hold fixed, by index.
    """
    held = {**dict.fromkeys(task.redundant, 0.0), **(fixed or {})}
    free = [i for i in range(levels) if i not in held]
    whole = np.array([held.get(i, 0.0) for i in range(levels)])

    def at(scaled: Array) -> Likelihood:
        components = whole.copy()
        components[free] = scaled * task.scale
        return task.at(components)

    if not free:
        return whole
    if start is None:
        grid = [np.array(point) for point in cartesian(SHARES[len(free)], repeat=len(free))]
        begin: Array = max(grid, key=lambda point: at(point).value)
    else:
        begin = np.maximum(start[free] / task.scale, 1e-4)

    def negative(scaled: Array) -> tuple[float, Array]:
        found = at(scaled)
        return -found.value, -found.gradient[free] * task.scale

    result = optimize.minimize(
        negative,
        begin,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1e6)] * len(free),
        options={"ftol": 1e-12, "gtol": 1e-7, "maxiter": 200},
    )
    if not np.isfinite(result.fun):
        raise NumericalError("the likelihood of the variance components could not be maximised")
    whole[free] = task.scale * _polish(lambda point: negative(point)[1], np.asarray(result.x))
    return whole


def _polish(gradient: Callable[[Array], Array], point: Array) -> Array:
    """Solve gradient = 0 for the components that are not at zero: Newton, Hessian by differences of the gradient.

    L-BFGS stops when the likelihood no longer changes, which leaves half its digits in the components.
    """
    active = point > 1e-9
    point = np.where(active, point, 0.0)
    if not active.any():
        return point

    def inner(values: Array) -> Array:
        trial = point.copy()
        trial[active] = values
        return gradient(trial)[active]

    values = point[active]
    slope = inner(values)
    for _ in range(4):
        step = 1e-5 * values
        hessian = np.stack([(inner(values + h) - slope) / h.sum() for h in np.diag(step)], axis=1)
        move = np.linalg.lstsq(hessian, slope, rcond=None)[0]
        trial = values - move
        if not (trial > 0).all():
            break
        fresh = inner(trial)
        if np.abs(fresh).max() >= np.abs(slope).max():
            break
        values, slope = trial, fresh
    point[active] = values
    return point
