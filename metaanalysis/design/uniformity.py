"""Are these values uniform on (0, 1)? Chi-square on a histogram, and the empirical distribution function at once.

The second is exact at a finite number of points: the numbers of values at or below increasing points form a Markov
chain with binomial steps, so the probability that all of them stay within limits is a product of matrices. The limits
are binomial intervals of one pointwise level, chosen such that they hold at all points together.

References
----------
Säilynoja, Bürkner & Vehtari (2022), Stat Comput 32:32 (simultaneous limits of the empirical distribution function).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from metaanalysis.errors import bad

Array = NDArray[np.float64]
BINS = 10
POINTS = 20


def histogram(values: ArrayLike, *, bins: int = BINS) -> NDArray[np.intp]:
    """Return the number of values in each of `bins` equal parts of (0, 1).

    Raises
    ------
    InputError
        If a value is not between 0 and 1.
    """
    at = _checked(values)
    return np.bincount(np.minimum((at * bins).astype(np.intp), bins - 1), minlength=bins)


def chi_square(counts: ArrayLike) -> float:
    """Return the p-value of Pearson's chi-square test that all bins are equally likely."""
    observed = np.asarray(counts, float)
    expected = observed.sum() / observed.size
    statistic = ((observed - expected) ** 2).sum() / expected
    return float(special.gammaincc((observed.size - 1) / 2, statistic / 2))


def ecdf_p_value(values: ArrayLike, *, points: int = POINTS) -> float:
    """Return the exact p-value of the largest departure of the empirical distribution function from uniformity.

    The departure at a point is how far the number of values at or below it lies in a tail of its binomial
    distribution; the statistic is the smallest of these tail probabilities over `points` equal steps.

    Raises
    ------
    InputError
        If a value is not between 0 and 1.
    """
    at = np.sort(_checked(values))
    steps = np.arange(1, points) / points
    below = np.searchsorted(at, steps, side="right")
    gamma = min(_tail(int(count), at.size, float(z)) for count, z in zip(below, steps, strict=True))
    # Counts at least as far out as the one seen are excursions: what must stay inside are the counts less far out.
    return float(min(1.0, 1.0 - _inside(at.size, points, gamma * (1 + 1e-9))))


def ecdf_limits(size: int, *, points: int = POINTS, level: float = 0.95) -> tuple[Array, Array]:
    """Return the lowest and highest share of values at or below each inner point that keep within `level` overall.

    Parameters
    ----------
    size : int
        Number of values.
    points : int
        Equal steps of (0, 1).
    level : float
        Probability that uniform values stay within all limits.

    Returns
    -------
    lower, upper : (points - 1,) arrays
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if _inside(size, points, middle) >= level:
            low = middle
        else:
            high = middle
    kept = [np.flatnonzero(_tails(size, z) > low) for z in np.arange(1, points) / points]
    return np.array([k[0] for k in kept]) / size, np.array([k[-1] for k in kept]) / size


def poisson_binomial(probabilities: Sequence[float] | Array, successes: int) -> float:
    """Return the two-sided p-value of `successes` among independent events of given probabilities.

    The distribution is exact (by convolution); the p-value is twice the smaller tail, at most one.
    """
    mass = np.ones(1)
    for p in np.asarray(probabilities, float):
        mass = np.convolve(mass, [1 - p, p])
    return float(min(1.0, 2 * min(mass[: successes + 1].sum(), mass[successes:].sum())))


def _checked(values: ArrayLike) -> Array:
    at = np.asarray(values, float).reshape(-1)
    if at.size == 0 or not np.all((at >= 0) & (at <= 1)):
        raise bad("values", "", "every value must be a number between 0 and 1", "Give probabilities.")
    return at


def _tail(count: int, size: int, z: float) -> float:
    """Return twice the smaller tail probability of a binomial count."""
    lower = float(special.bdtr(count, size, z))
    upper = float(special.bdtrc(count - 1, size, z)) if count > 0 else 1.0
    return 2 * min(lower, upper)


def _tails(size: int, z: float) -> Array:
    """Return twice the smaller tail probability of every count from 0 to `size`."""
    counts = np.arange(size + 1)
    lower = special.bdtr(counts, size, z)
    upper = np.concatenate([[1.0], special.bdtrc(counts[:-1], size, z)])
    return np.asarray(2 * np.minimum(lower, upper))


def _inside(size: int, points: int, gamma: float) -> float:
    """Return the probability that every count has a tail probability above `gamma`."""
    before, reached, z = np.zeros(1, dtype=np.intp), np.ones(1), 0.0
    for i in range(1, points):
        following = i / points
        counts = np.flatnonzero(_tails(size, following) > gamma)
        reached = reached @ _steps(before, counts, size, (following - z) / (1 - z))
        before, z = counts, following
    return float(reached.sum())


def _steps(before: NDArray[np.intp], after: NDArray[np.intp], size: int, step: float) -> Array:
    """Return the probability of each count after a step, given each count before it."""
    more, left = after - before[:, None], size - before[:, None]
    new, rest = np.maximum(more, 0), np.maximum(left - more, 0)
    log_ways = special.gammaln(left + 1) - special.gammaln(new + 1) - special.gammaln(rest + 1)
    return np.where(more >= 0, np.exp(log_ways + new * np.log(step) + rest * np.log1p(-step)), 0.0)
