"""Tetrachoric correlation of a 2×2 table."""

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from metaanalysis.effects.cells import corrected, from_cells
from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measure import Measure

NODES, WEIGHTS = leggauss(64)
LIMIT = 1 - 1e-9


def tetrachoric(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike, *, add: float = 0.5) -> Estimates:
    """Return tetrachoric correlations (maximum likelihood) with their large-sample variances.

    Two thresholds and the correlation of a bivariate normal fit the four cells exactly. The variance is that of
    the resulting function of multinomial shares by the delta method, which is Pearson's (1900).

    Parameters
    ----------
    a, b, c, d : (K,) array_like
        Cells, first row then second row.
    add : float
        Added to every cell of a table with an empty one.

    Raises
    ------
    InputError
        If a cell is negative, or empty while `add` is 0.

    References
    ----------
    Pearson (1900), Philosophical Transactions of the Royal Society A 195, 1-47, doi:10.1098/rsta.1900.0022.
    Kirk (1973), Psychometrika 38(2), 259-268, doi:10.1007/BF02291118.
    """
    where = "tetrachoric"
    cells = corrected(where, from_cells(where, a, b, c, d), add=add, to_all=False)
    solved = np.array([_one(table) for table in cells.T]).reshape(-1, 2)
    return Estimates(solved[:, 0], solved[:, 1])


def _orthant(h: float, k: float, r: float) -> float:
    """Return P(X < h, Y < k) of a standard bivariate normal (Drezner & Wesolowsky 1990)."""
    top = np.arcsin(r)
    angle = 0.5 * top * (NODES + 1)
    exponent = -(h**2 + k**2 - 2 * h * k * np.sin(angle)) / (2 * np.cos(angle) ** 2)
    return float(ndtr(h) * ndtr(k) + 0.5 * top * (WEIGHTS @ np.exp(exponent)) / (2 * np.pi))


def _one(table: np.ndarray) -> tuple[float, float]:
    """Return correlation and variance of one table."""
    n = float(table.sum())
    shares = table / n
    h, k = float(ndtri(shares[0] + shares[1])), float(ndtri(shares[0] + shares[2]))
    r = float(brentq(lambda value: _orthant(h, k, value) - shares[0], -LIMIT, LIMIT, xtol=1e-13))
    root = np.sqrt(1 - r**2)
    density = np.exp(-(h**2 + k**2 - 2 * r * h * k) / (2 * root**2)) / (2 * np.pi * root)
    by_row, by_column = float(ndtr((k - r * h) / root)), float(ndtr((h - r * k) / root))
    # Derivative of r with respect to each share: the row's and the column's threshold move with their margins.
    slopes = np.array([1 - by_row - by_column, -by_row, -by_column, 0.0]) / density
    variance = (slopes**2 @ shares - (slopes @ shares) ** 2) / n
    return r, float(variance)


MEASURE = Measure("tetrachoric", "tetrachoric correlation", compute=tetrachoric, code="RTET")
