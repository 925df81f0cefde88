"""The profile likelihood of a threshold on an effect table: sup-LR, its bootstrap, and Hansen's confidence set.

Unlike the Wald path of `sup_test`, heterogeneity is estimated anew, by maximum likelihood, at each candidate: what the
jump explains need not be explained by heterogeneity. Inverting the likelihood ratio gives the analogue of Hansen's
confidence set, with critical value −2 log(1 − √level). A step is the same model everywhere in a gap between observed
exposures, so the set is a union of gaps.

References
----------
Hansen (2000), Econometrica 68:575; Hansen (1996), Econometrica 64:413.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product as cartesian

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.classical.components import DEFAULT_LEVELS, Problem, maximise, problem
from metaanalysis.engines.classical.curves import (
    MIN_STUDIES,
    Change,
    Gap,
    Null,
    null_design,
)
from metaanalysis.engines.classical.marginal import Level
from metaanalysis.engines.classical.sup_test import usable
from metaanalysis.engines.classical.whitening import whitened
from metaanalysis.errors import bad

Array = NDArray[np.float64]
POINTS = {1: 40, 2: 16, 3: 7}


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdProfile:
    """Maximised likelihoods over the threshold.

    Attributes
    ----------
    null, change : str
        The null curve and what the alternative adds.
    ends : tuple of (float, float)
        Candidates: gaps (step) or points (kink, both ends equal), in order.
    loglik : (C,) array
        Log likelihood maximised over everything else, at each candidate.
    loglik_null : float
        The same without the change.
    coefficient, se : (C,) arrays
        The added coefficient at each candidate and its model-based standard error.
    sigma2 : mapping
        Variance components at the best candidate.
    """

    null: str
    change: str
    ends: tuple[Gap, ...]
    loglik: Array
    loglik_null: float
    coefficient: Array
    se: Array
    sigma2: dict[str, float]

    @property
    def best(self) -> int:
        """Index of the best candidate."""
        return int(np.argmax(self.loglik))

    @property
    def sup_lr(self) -> float:
        """Supremum of the likelihood-ratio statistics of a change against none."""
        return float(2 * (self.loglik.max() - self.loglik_null))

    def confidence_set(self, level: float = 0.95) -> tuple[Gap, ...]:
        """Return Hansen's confidence set as disjoint intervals; a step's intervals lack their high ends."""
        inside = 2 * (self.loglik.max() - self.loglik) <= critical_value(level)
        runs = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
        intervals: list[Gap] = []
        for first, after in runs.reshape(-1, 2):
            low, high = self.ends[first][0], self.ends[after - 1][1]
            if intervals and intervals[-1][1] == low:
                low = intervals.pop()[0]
            intervals.append((low, high))
        return tuple(intervals)


def critical_value(level: float) -> float:
    """Return the quantile of Hansen's (2000) limit of the likelihood ratio of a threshold: −2 log(1 − √level).

    Raises
    ------
    InputError
        If the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise bad("level", "", f"{level:g} is no confidence level", "Give a share between 0 and 1, such as 0.95.")
    return float(-2 * np.log(1 - np.sqrt(level)))


def threshold_profile(
    table: EffectTable,
    *,
    null: Null = "linear",
    change: Change = "step",
    levels: Sequence[Level] = DEFAULT_LEVELS,
    min_studies: int = MIN_STUDIES,
) -> ThresholdProfile:
    """Maximise the likelihood at each candidate threshold.

    Parameters
    ----------
    table : EffectTable
        Effects.
    null : {"flat", "linear"}
        The curve that the change is added to.
    change : {"step", "kink"}
        What is added.
    levels : sequence of str
        Levels with a random effect.
    min_studies : int
        Studies required on each side of a candidate.

    Raises
    ------
    InputError
        If no candidate qualifies or the null design is deficient.
    """
    design = null_design(table, null)
    task = problem(table, design, levels=levels, method="ML")
    start = maximise(task, len(levels))
    loglik_null = task.at(start).value
    raw, ends = usable(whitened(table, design, levels=levels), table, change, min_studies=min_studies)
    fits = []
    for column in raw.T:
        trial = task.with_design(np.column_stack([design, column]))
        components = _best(trial, start, len(levels))
        fits.append((trial.at(components), components))
    loglik = np.array([fit.value for fit, _ in fits])
    return ThresholdProfile(
        null=null,
        change=change,
        ends=tuple(ends),
        loglik=loglik,
        loglik_null=loglik_null,
        coefficient=np.array([fit.beta[-1] for fit, _ in fits]),
        se=np.array([np.sqrt(fit.vcov[-1, -1]) for fit, _ in fits]),
        sigma2=dict(zip(levels, fits[int(np.argmax(loglik))][1].tolist(), strict=True)),
    )


def _best(task: Problem, start: Array, levels: int) -> Array:
    """Maximise from the null's components and from none, which catches a second optimum at the boundary."""
    found = [maximise(task, levels, start=begin) for begin in (start, np.zeros(levels))]
    return max(found, key=lambda components: task.at(components).value)


def sup_lr_test(
    table: EffectTable,
    *,
    null: Null = "linear",
    change: Change = "step",
    levels: Sequence[Level] = DEFAULT_LEVELS,
    draws: int = 999,
    seed: int = 0,
    min_studies: int = MIN_STUDIES,
) -> tuple[float, float, float]:
    """Test for a change at an unknown threshold by the likelihood ratio, heterogeneity re-estimated throughout.

    Observed and simulated statistics are maximised over the same grid of variance components, at which all candidates
    and draws are evaluated at once; the exact supremum is `ThresholdProfile.sup_lr`.

    Returns
    -------
    statistic, p, error : float
        sup-LR on the grid, its study-level wild-bootstrap p-value, and that p-value's Monte Carlo standard error.

    Raises
    ------
    InputError
        As for `sup_test`.
    """
    if draws < 1:
        raise bad("draws", "", f"{draws} draws give no p-value", "Ask for at least 1; 999 is usual.")
    design = null_design(table, null)
    base = whitened(table, design, levels=levels)
    raw, _ = usable(base, table, change, min_studies=min_studies)
    wild = base.off(base.wild(base.spread, draws, np.random.default_rng(seed)))
    outcomes = np.column_stack([base.residual, wild])
    back = np.empty_like(outcomes)
    for rows, inverse in zip(base.rows, base.inverse, strict=True):
        back[rows] = np.linalg.solve(inverse, outcomes[rows])
    statistics = _grid_lr(problem(table, design, levels=levels, method="ML"), back, raw, len(levels))
    p = float((1 + np.sum(statistics[1:] >= statistics[0] - 1e-12)) / (draws + 1))
    return float(statistics[0]), p, float(np.sqrt(p * (1 - p) / draws))


def _grid_lr(task: Problem, outcomes: Array, raw: Array, levels: int) -> Array:
    """Return the sup-LR of each outcome vector (columns), variance components on a grid."""
    axis = np.concatenate([[0.0], 4 * task.scale * np.linspace(0.03, 1.0, POINTS[levels]) ** 2])
    null, alternative = (np.full(outcomes.shape[1], -np.inf) for _ in range(2))
    for components in cartesian(axis, repeat=levels):
        white, log_det = np.empty_like(outcomes), 0.0
        columns = np.empty((len(task.y), task.x.shape[1] + raw.shape[1]))
        both = np.column_stack([task.x, raw])
        for part in task.parts:
            factor = np.linalg.cholesky(part.marginal(np.array(components)))
            log_det += 2 * float(np.log(np.einsum("mkk->mk", factor)).sum())
            for rows, factor_s in zip(part.rows, factor, strict=True):
                white[rows] = linalg.solve_triangular(factor_s, outcomes[rows], lower=True)
                columns[rows] = linalg.solve_triangular(factor_s, both[rows], lower=True)
        p = task.x.shape[1]
        basis = np.linalg.qr(columns[:, :p])[0]
        rest = white - basis @ (basis.T @ white)
        added = columns[:, p:] - basis @ (basis.T @ columns[:, p:])
        square = (rest**2).sum(axis=0)
        gain = ((added.T @ rest) ** 2 / (added**2).sum(axis=0)[:, None]).max(axis=0)
        null = np.maximum(null, -log_det - square)
        alternative = np.maximum(alternative, -log_det - square + gain)
    return np.asarray(alternative - null)
