"""Heteroskedasticity-robust sup-LM test for an unknown threshold, on individual-level data.

References
----------
Hansen (1996), Econometrica 64:413 (multiplier bootstrap with fixed regressors); Hansen (2000), section 5.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.engines.classical.threshold_regression import sorted_by_threshold
from metaanalysis.errors import bad

Array = NDArray[np.float64]
CELLS = 4_000_000


def sup_lm(
    y: ArrayLike, x: ArrayLike, q: ArrayLike, *, trim: float = 0.15, draws: int = 999, seed: int = 0, most: int = 500
) -> tuple[float, float, float]:
    """Test for a threshold by the largest robust score statistic.

    Parameters
    ----------
    y, x, q : (n,), (n, p), (n,) array_like
        Outcome, design matrix including the intercept, threshold variable.
    trim : float
        Candidates are the values with at least this share of rows at or below, and at most one minus it.
    draws, seed : int
        Bootstrap draws y* = ê·N(0, 1), the score's variance recomputed in each.

    most : int
        Most candidates; if there are more, this many are taken at even steps through them (cost is rows × candidates).

    Returns
    -------
    statistic, threshold, p : float
        The supremum, where it is reached, and its bootstrap p-value.

    Raises
    ------
    InputError
        As for `threshold_regression`, or if no candidate is left.
    """
    outcome, design, variable = sorted_by_threshold(y, x, q, trim)
    n = len(outcome)
    last = np.flatnonzero(np.append(variable[1:] != variable[:-1], True)) + 1
    counts = last[(last >= np.floor(n * trim)) & (last <= np.floor(n * (1 - trim))) & (last < n)]
    if counts.size == 0:
        raise bad("q", "", "no candidate threshold is left after trimming", "Lower trim, or give more rows.")
    counts = counts[np.unique(np.linspace(0, counts.size - 1, min(most, counts.size)).round().astype(int))]
    basis, _ = np.linalg.qr(design)
    residual = outcome - basis @ (basis.T @ outcome)
    rng = np.random.default_rng(seed)
    statistic, where, exceeded, done = -np.inf, 0, 0, 0
    chunk = max(1, CELLS // (n * design.shape[1] ** 2))
    while done < draws or done == 0:
        m = min(chunk, draws - done)
        shocks = residual[:, None] * rng.standard_normal((n, m))
        errors = np.column_stack([residual, shocks - basis @ (basis.T @ shocks)])
        path = _path(basis, errors, counts)
        if done == 0:
            where = int(np.argmax(path[:, 0]))
            statistic = float(path[where, 0])
        exceeded += int(np.sum(path[:, 1:].max(axis=0) >= statistic))
        done += max(m, 1)
    return statistic, float(variable[counts[where] - 1]), exceeded / draws if draws else float("nan")


def _path(basis: Array, errors: Array, counts: NDArray[np.intp]) -> Array:
    """Return the score statistic of each candidate and each error vector (columns), (C, m)."""
    p, m = basis.shape[1], errors.shape[1]
    out = np.empty((counts.size, m))
    squares = errors**2
    for i, count in enumerate(counts):
        influence = -basis @ (basis[:count].T @ basis[:count])
        influence[:count] += basis[:count]
        scores = influence.T @ errors
        pairs = (influence[:, :, None] * influence[:, None, :]).reshape(-1, p * p)
        values, rotation = np.linalg.eigh((pairs.T @ squares).T.reshape(m, p, p))
        turned = np.einsum("mij,im->mj", rotation, scores)
        kept = values > 1e-10 * np.maximum(values[:, -1:], 1e-300)
        out[i] = np.sum(np.where(kept, turned**2 / np.where(kept, values, 1.0), 0.0), axis=1)
    return out
