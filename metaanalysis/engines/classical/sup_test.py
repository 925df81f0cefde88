"""Tests for a threshold at an unknown place, paying for the search.

Effects are whitened with the covariance fitted under the null (sampling covariance plus REML heterogeneity); for each
candidate threshold the added column is projected off the null design, so that one inner product gives its Wald
statistic. Under that covariance the Wald, score and likelihood-ratio statistics coincide. The supremum over candidates
is referred to a study-level wild bootstrap that imposes the null, to permutations, and to Davies' bound.

References
----------
Andrews (1993), Econometrica 61:821; Hansen (1996), Econometrica 64:413; Davies (1987), Biometrika 74:33; Cameron,
Gelbach & Miller (2008), Rev Econ Stat 90:414 (wild cluster bootstrap); Webb (2023), Can J Econ 56:839 (few clusters);
MacKinnon, Nielsen & Webb (2023), J Econometrics 232:272 (residuals adjusted for leverage); Freedman & Lane (1983),
J Bus Econ Stat 1:292 (permutation of residuals).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.classical.components import DEFAULT_LEVELS
from metaanalysis.engines.classical.curves import (
    MIN_STUDIES,
    Change,
    Gap,
    Null,
    centres,
    change_columns,
    null_design,
    places,
)
from metaanalysis.engines.classical.marginal import Level
from metaanalysis.engines.classical.whitening import Whitened, whitened
from metaanalysis.errors import bad

Array = NDArray[np.float64]
Statistic = Literal["wald", "robust"]
CELLS = 4_000_000
"""Largest array of simulated values held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class SupTest:
    """Result of a test for an unknown threshold.

    Attributes
    ----------
    null, change, kind : str
        The null curve, what the alternative adds to it, and the statistic.
    statistic : float
        Supremum of the statistics.
    threshold : (float, float)
        The gap (step) or point (kink, both ends equal) where it is reached.
    coefficient, se : float
        The added coefficient there and its model-based standard error, ignoring the search.
    p_naive : float
        p-value that ignores the search.
    p_bootstrap, p_permutation : float
        p-values that pay for it: study-level wild bootstrap, permutation.
    error_bootstrap, error_permutation : float
        Their Monte Carlo standard errors.
    permuted : {"exposures", "residuals"}
        What was permuted: exposures among studies where every study has one effect and the null curve is flat,
        whitened residuals otherwise.
    p_davies : float
        Davies' upper bound (Wald only; NaN otherwise).
    candidates, profile : (C,) arrays
        Candidate thresholds and their statistics.
    draws : int
        Number of bootstrap draws and of permutations.
    """

    null: str
    change: str
    kind: str
    statistic: float
    threshold: Gap
    coefficient: float
    se: float
    p_naive: float
    p_bootstrap: float
    p_permutation: float
    error_bootstrap: float
    error_permutation: float
    permuted: str
    p_davies: float
    candidates: Array
    profile: Array
    draws: int


def sup_test(
    table: EffectTable,
    *,
    null: Null = "linear",
    change: Change = "step",
    kind: Statistic = "wald",
    levels: Sequence[Level] = DEFAULT_LEVELS,
    draws: int = 1999,
    seed: int = 0,
    min_studies: int = MIN_STUDIES,
) -> SupTest:
    """Test for a step or kink at an unknown exposure.

    Parameters
    ----------
    table : EffectTable
        Effects; contrasts against an exposed reference arm count as such.
    null : {"flat", "linear"}
        The curve under the null.
    change : {"step", "kink"}
        What the alternative adds.
    kind : {"wald", "robust"}
        The model-based statistic, or the score statistic with its variance clustered by study.
    levels : sequence of str
        Levels with a random effect, fitted by REML under the null.
    draws : int
        Bootstrap draws, and permutations.
    seed : int
        Seed of both.
    min_studies : int
        Studies required on each side of a candidate.

    Returns
    -------
    SupTest

    Raises
    ------
    InputError
        If no candidate has enough studies on both sides or changes the fitted curve, the null design is deficient,
        or fewer than 1 draw is asked for.
    """
    if draws < 1:
        raise bad("draws", "", f"{draws} draws give no p-value", "Ask for at least 1; 1999 is usual.")
    base = whitened(table, null_design(table, null), levels=levels)
    raw, ends = usable(base, table, change, min_studies=min_studies)
    unit = base.off(base.whiten(raw))
    norms = np.linalg.norm(unit, axis=0)
    unit = unit / norms
    root, compute = unit.T @ base.residual, _wald if kind == "wald" else _clustered(base)
    profile = compute(unit, base.residual[:, None])[:, 0]
    best, statistic = int(np.argmax(profile)), float(profile.max())
    exposures = null == "flat" and len(table) == len(table.blocks) and not np.isfinite(table.x0).any()
    shuffled = _permute_exposures if exposures else _permute_residuals
    rng = np.random.default_rng(seed)
    chunk = max(1, CELLS // sum(unit.shape))
    sizes = [min(chunk, draws - i) for i in range(0, draws, chunk)]
    boot = _share(_bootstrap(base, unit, compute, sizes, rng), statistic)
    perm = _share(shuffled(base, raw, unit, compute, sizes, rng), statistic)
    return SupTest(
        null=null,
        change=change,
        kind=kind,
        statistic=statistic,
        threshold=ends[best],
        coefficient=float(root[best] / norms[best]),
        se=float(1 / norms[best]),
        p_naive=float(special.chdtrc(1, statistic)),
        p_bootstrap=boot,
        p_permutation=perm,
        error_bootstrap=_error(boot, draws),
        error_permutation=_error(perm, draws),
        permuted="exposures" if exposures else "residuals",
        p_davies=davies_bound(root) if kind == "wald" else float("nan"),
        candidates=centres(ends),
        profile=profile,
        draws=draws,
    )


def usable(base: Whitened, table: EffectTable, change: Change, *, min_studies: int) -> tuple[Array, list[Gap]]:
    """Return the change columns (K, C) and candidates that alter the fitted null curve.

    Raises
    ------
    InputError
        If there is none.
    """
    ends = places(table, change, min_studies=min_studies)
    raw = change_columns(table, change, centres(ends))
    white = base.whiten(raw)
    kept = np.linalg.norm(base.off(white), axis=0) > 1e-6 * np.maximum(np.linalg.norm(white, axis=0), 1e-300)
    if not kept.any():
        raise bad(
            table.name,
            "x",
            f"no {change} can be told from the null curve at any threshold",
            "Add studies at other exposures, or test against a simpler null curve.",
        )
    return raw[:, kept], [end for end, keep in zip(ends, kept, strict=True) if keep]


def davies_bound(root: Array) -> float:
    """Return Davies' (1987) upper bound on the p-value of the largest of a path of χ²₁ statistics.

    Parameters
    ----------
    root : (C,) array
        Signed square roots of the statistics along the path; the expected number of crossings is estimated by their
        total variation. A path that jumps, as for a step, makes it an approximation.
    """
    top = float(np.max(root**2))
    variation = float(np.abs(np.diff(root)).sum())
    return float(min(1.0, special.chdtrc(1, top) + variation * np.exp(-0.5 * top) / np.sqrt(2 * np.pi)))


def _wald(unit: Array, residuals: Array) -> Array:
    """Return the Wald statistic of each candidate and each set of residuals, (C, n)."""
    return np.asarray((unit.T @ residuals) ** 2)


def _clustered(base: Whitened) -> Callable[[Array, Array], Array]:
    """Return the function that gives the score statistic with its variance clustered by study, (C, n)."""

    def statistic(unit: Array, residuals: Array) -> Array:
        out = np.empty((unit.shape[1], residuals.shape[1]))
        for i, column in enumerate(unit.T):
            scores = np.add.reduceat(column[:, None] * residuals, base.starts, axis=0)
            out[i] = scores.sum(axis=0) ** 2 / np.maximum((scores**2).sum(axis=0), 1e-300)
        return out

    return statistic


def _bootstrap(
    base: Whitened, unit: Array, compute: Callable[[Array, Array], Array], sizes: list[int], rng: np.random.Generator
) -> Iterator[Array]:
    """Yield suprema over wild-bootstrap draws."""
    for n in sizes:
        yield compute(unit, base.off(base.wild(base.spread, n, rng))).max(axis=0)


def _permute_residuals(
    base: Whitened,
    raw: Array,
    unit: Array,
    compute: Callable[[Array, Array], Array],
    sizes: list[int],
    rng: np.random.Generator,
) -> Iterator[Array]:
    """Yield suprema over permutations of the whitened residuals."""
    for n in sizes:
        shuffled = rng.permuted(np.tile(base.residual, (n, 1)), axis=1).T
        yield compute(unit, base.off(shuffled)).max(axis=0)


def _permute_exposures(
    base: Whitened,
    raw: Array,
    unit: Array,
    compute: Callable[[Array, Array], Array],
    sizes: list[int],
    rng: np.random.Generator,
) -> Iterator[Array]:
    """Yield suprema over permutations of the exposures among studies, the covariance of the null kept."""
    for n in sizes:
        order = rng.permuted(np.tile(np.arange(len(raw)), (n, 1)), axis=1)
        suprema = np.empty(n)
        for i, rows in enumerate(order):
            columns = base.off(base.whiten(raw[rows]))
            norms = np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
            suprema[i] = compute(columns / norms, base.residual[:, None]).max()
        yield suprema


def _share(simulated: Iterator[Array], statistic: float) -> float:
    """Return the share of simulated suprema at or above the observed one, the observed one counted."""
    values = np.concatenate(list(simulated))
    return float((1 + np.sum(values >= statistic * (1 - 1e-12))) / (values.size + 1))


def _error(p: float, draws: int) -> float:
    """Return the Monte Carlo standard error of a simulated p-value."""
    return float(np.sqrt(p * (1 - p) / draws))
