"""Several breaks at once: the least-squares partition into m + 1 segments, by dynamic programming.

References
----------
Bai & Perron (2003), J Appl Econometrics 18:1; Zeileis, Kleiber, Krämer & Hornik (2003), Comput Stat Data Anal 44:109.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.engines.classical.threshold_regression import RIDGE, sorted_by_threshold
from metaanalysis.errors import bad

Array = NDArray[np.float64]
MOST_ROWS = 3000


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The best partition with a given number of breaks.

    Attributes
    ----------
    breaks : tuple of int
        Number of rows up to and including the last of each segment but the last one.
    rss : float
        Residual sum of squares.
    bic : float
        Bayesian information criterion, each segment counted with its coefficients and its break.
    """

    breaks: tuple[int, ...]
    rss: float
    bic: float


def segments(y: ArrayLike, x: ArrayLike, *, most: int = 5, least: float = 0.15) -> tuple[Segmentation, ...]:
    """Return the best partitions of the rows, in their order, into one to most + 1 segments.

    Parameters
    ----------
    y, x : (n,), (n, p) array_like
        Outcome and design matrix including the intercept.
    most : int
        Largest number of breaks.
    least : float
        Share of rows that a segment has at least.

    Raises
    ------
    InputError
        On unusable data, more than 3000 rows (cost grows with their square), or segments shorter than p + 1 rows.
    """
    n = len(np.asarray(y))
    outcome, design, _ = sorted_by_threshold(y, x, np.arange(n), 0.0)
    p = design.shape[1]
    h = int(np.floor(least * n + 1e-9))
    if n > MOST_ROWS or h <= p:
        raise bad("data", "", f"{n} rows in segments of at least {h} are not supported", "Choose another share.")
    cost = _costs(outcome, design, h)
    best, back = [cost[0]], []
    for _ in range(most):
        totals = best[-1][:, None] + np.vstack([cost[1:], np.full(n, np.inf)])
        back.append(totals.argmin(axis=0))
        best.append(totals.min(axis=0))
    found = []
    for m, totals in enumerate(best):
        if not np.isfinite(totals[-1]):
            break
        breaks, end = [], n - 1
        for previous in reversed(back[:m]):
            end = int(previous[end])
            breaks.append(end + 1)
        rss = float(totals[-1])
        bic = n * (np.log(2 * np.pi * rss / n) + 1) + (p + 1) * (m + 1) * np.log(n)
        found.append(Segmentation(tuple(reversed(breaks)), rss, float(bic)))
    return tuple(found)


def _costs(outcome: Array, design: Array, h: int) -> Array:
    """Return the residual sum of squares of rows i to j, (n, n); infinite for segments shorter than h rows."""
    n, p = design.shape
    basis, _ = np.linalg.qr(design)
    basis = basis * np.sqrt(n)
    residual = outcome - basis @ (basis.T @ outcome) / n
    grams = np.concatenate([np.zeros((1, p, p)), np.cumsum(basis[:, :, None] * basis[:, None, :], axis=0)])
    crosses = np.concatenate([np.zeros((1, p)), np.cumsum(basis * residual[:, None], axis=0)])
    squares = np.concatenate([[0.0], np.cumsum(residual**2)])
    cost = np.full((n, n), np.inf)
    for i in range(n - h + 1):
        ends = np.arange(i + h, n + 1)
        cross = crosses[ends] - crosses[i]
        gram = grams[ends] - grams[i] + RIDGE * n * np.eye(p)
        solved = np.linalg.solve(gram, cross[..., None])[..., 0]
        cost[i, i + h - 1 :] = squares[ends] - squares[i] - np.einsum("ci,ci->c", cross, solved)
    return cost
