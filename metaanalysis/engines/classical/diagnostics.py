"""Cumulative meta-analysis, and the sign-flip permutation test of a mean effect.

References
----------
Lau et al. (1992), N Engl J Med 327:248 (cumulative meta-analysis); Follmann & Proschan (1999), Biometrics 55:732.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.engines.classical.heterogeneity import Method, checked, random_effects
from metaanalysis.errors import bad

Array = NDArray[np.float64]
EXACT = 16
"""Up to this many studies every pattern of signs is used."""


def cumulative(y: ArrayLike, v: ArrayLike, order: ArrayLike, *, method: Method = "REML") -> tuple[Array, Array]:
    """Return means and standard errors after 1, 2, …, k studies, added in increasing order of `order`.

    Parameters
    ----------
    y, v, order : (k,) array_like
        Effects, sampling variances, and what to sort by, such as the year; ties keep their order.
    method : str
        Estimator of τ², as for `random_effects`.

    Raises
    ------
    InputError
        On unusable data.
    """
    effects, variances, _ = checked(y, v, None)
    ranks = np.asarray(order)
    if ranks.shape != effects.shape:
        raise bad("order", "", "has another length than y", "Give one value for each effect.")
    rows = np.argsort(ranks, kind="stable")
    effects, variances = effects[rows], variances[rows]
    fits = [random_effects(effects[:k], variances[:k], method=method) for k in range(2, len(rows) + 1)]
    means = [effects[0], *(fit.beta[0] for fit in fits)]
    errors = [np.sqrt(variances[0]), *(fit.se[0] for fit in fits)]
    return np.array(means), np.array(errors)


def sign_flip_test(
    y: ArrayLike,
    v: ArrayLike,
    *,
    method: Literal["DL", "REML"] = "REML",
    statistic: Literal["z", "mean"] = "z",
    draws: int = 9999,
    seed: int = 0,
) -> float:
    """Return the two-sided permutation p-value of the mean effect: signs of the effects are flipped at random.

    Exact, over all sign patterns, up to 16 studies; otherwise over random patterns, the observed one counted.

    Parameters
    ----------
    y, v : (k,) array_like
        Effects and sampling variances.
    method : {"DL", "REML"}
        Estimator of τ², recomputed for each pattern.
    statistic : {"z", "mean"}
        What is compared: the mean over its standard error, or the mean.
    draws, seed : int
        Random patterns and their seed, if not exact.

    Raises
    ------
    InputError
        On unusable data or an unknown method or statistic.
    """
    effects, variances, _ = checked(y, v, None)
    if method not in ("DL", "REML") or statistic not in ("z", "mean"):
        raise bad("method", "", f"{method!r} with {statistic!r} is unknown", "Use DL or REML, and z or mean.")
    k = effects.size
    if k <= EXACT:
        signs = 1 - 2 * ((np.arange(2**k)[:, None] >> np.arange(k)) & 1)
    else:
        signs = 1 - 2 * np.random.default_rng(seed).integers(0, 2, size=(draws + 1, k))
        signs[0] = 1
    flipped = signs * effects
    w = 1 / (variances + (_dl(flipped, variances) if method == "DL" else _reml(flipped, variances))[:, None])
    mean = (w * flipped).sum(axis=1) / w.sum(axis=1)
    value = np.abs(mean if statistic == "mean" else mean * np.sqrt(w.sum(axis=1)))
    return float(np.mean(value >= value[0] * (1 - 1e-8)))


def _dl(y: Array, v: Array) -> Array:
    """Return the DerSimonian–Laird τ² of each row of effects."""
    w = 1 / v
    mean = y @ w / w.sum()
    q = ((y - mean[:, None]) ** 2) @ w
    return np.asarray(np.maximum(0.0, (q - (y.shape[1] - 1)) / (w.sum() - (w**2).sum() / w.sum())))


def _reml(y: Array, v: Array) -> Array:
    """Return the REML τ² of each row of effects: the best point of a grid, then golden-section search beside it."""

    def loglik(tau2: Array) -> Array:
        w = 1 / (v + tau2[:, None])
        total = w.sum(axis=1)
        mean = (w * y).sum(axis=1) / total
        return np.asarray(0.5 * (np.log(w).sum(axis=1) - np.log(total) - (w * (y - mean[:, None]) ** 2).sum(axis=1)))

    scale = float(np.mean(y[0] ** 2) + v.max())
    grid = np.concatenate([[0.0], scale * np.logspace(-5, 1, 37)])
    values = np.stack([loglik(np.full(len(y), point)) for point in grid])
    best = values.argmax(axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, len(grid) - 1)]
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(45):
        left, right = high - golden * (high - low), low + golden * (high - low)
        up = loglik(left) < loglik(right)
        low, high = np.where(up, left, low), np.where(up, high, right)
    middle = (low + high) / 2
    return np.asarray(np.where(loglik(np.zeros(len(y))) >= loglik(middle), 0.0, middle))
