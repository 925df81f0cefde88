"""Kink or jump: whether the best broken line needs a discontinuity at its break.

References
----------
Hidalgo, Lee & Seo (2019), J Econometrics 210:291; Hansen (2017), J Bus Econ Stat 35:228.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.classical.components import DEFAULT_LEVELS
from metaanalysis.engines.classical.curves import MIN_STUDIES, centres, change_columns, gaps, null_design, places
from metaanalysis.engines.classical.marginal import Level
from metaanalysis.engines.classical.whitening import Whitened, leverage_adjusted, whitened
from metaanalysis.errors import bad

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ContinuityTest:
    """Result of a test of a kink against a kink with a jump, each at its own unknown threshold.

    Attributes
    ----------
    statistic : float
        Fall of the whitened residual sum of squares from the best kink to the best kink with a jump.
    p, error : float
        Wild-bootstrap p-value under the best kink, and its Monte Carlo standard error.
    kink, jump : float
        Where the two fit best.
    draws : int
        Bootstrap draws.
    """

    statistic: float
    p: float
    error: float
    kink: float
    jump: float
    draws: int


def continuity_test(
    table: EffectTable,
    *,
    levels: Sequence[Level] = DEFAULT_LEVELS,
    draws: int = 999,
    seed: int = 0,
    min_studies: int = MIN_STUDIES,
) -> ContinuityTest:
    """Test whether the curve is continuous at an unknown break in its slope.

    The covariance is that of the linear model; the bootstrap draws from the best continuous curve.

    Parameters
    ----------
    table : EffectTable
        Effects.
    levels : sequence of str
        Levels with a random effect.
    draws, seed : int
        Bootstrap draws and their seed.
    min_studies : int
        Studies required on each side of a break.

    Raises
    ------
    InputError
        If no break has enough studies on both sides, or the linear design is deficient.
    """
    if draws < 1:
        raise bad("draws", "", f"{draws} draws give no p-value", "Ask for at least 1; 999 is usual.")
    base = whitened(table, null_design(table, "linear"), levels=levels)
    points = np.union1d(
        centres(places(table, "kink", min_studies=min_studies)), centres(gaps(table, min_studies=min_studies))
    )
    white = [base.whiten(change_columns(table, change, points)) for change in ("kink", "step")]
    small = 1e-7 * max(float(np.linalg.norm(columns, axis=0).max()) for columns in white)
    pairs = np.stack([base.off(columns) for columns in white])
    kinks = [_basis(pairs[:1, :, i].T, small) for i in range(points.size)]
    jumps = [_basis(pairs[:, :, i].T, small) for i in range(points.size)]

    def explained(bases: list[Array], residuals: Array) -> Array:
        return np.array([((basis.T @ residuals) ** 2).sum(axis=0) for basis in bases])

    kink, jump = explained(kinks, base.residual[:, None])[:, 0], explained(jumps, base.residual[:, None])[:, 0]
    observed = float(jump.max() - kink.max())
    where = int(kink.argmax())
    fitted, spread = _under(base, kinks[where])
    rng = np.random.default_rng(seed)
    simulated = base.off(fitted[:, None] + base.wild(spread, draws, rng))
    falls = explained(jumps, simulated).max(axis=0) - explained(kinks, simulated).max(axis=0)
    p = float((1 + np.sum(falls >= observed - 1e-12)) / (draws + 1))
    error = float(np.sqrt(p * (1 - p) / draws))
    return ContinuityTest(observed, p, error, float(points[where]), float(points[int(jump.argmax())]), draws)


def _under(base: Whitened, kink: Array) -> tuple[Array, Array]:
    """Return the fitted kink, off the null design, and the residuals under it, adjusted for leverage."""
    fitted = kink @ (kink.T @ base.residual)
    both = np.concatenate([base.basis, kink], axis=1)
    return fitted, leverage_adjusted(base.rows, both, base.residual - fitted)


def _basis(columns: Array, small: float) -> Array:
    """Return an orthonormal basis of columns, directions shorter than `small` dropped."""
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, singular > small])
