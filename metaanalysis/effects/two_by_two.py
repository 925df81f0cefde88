"""Rebuilding 2×2 tables from their margins and one measure of association."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.effects.estimates import arrays, require

Association = Literal["odds_ratio", "phi", "chi2", "chi2_yates"]


def rebuild(
    n: ArrayLike,
    n_row: ArrayLike,
    n_column: ArrayLike,
    value: ArrayLike,
    *,
    association: Association,
    positive: bool = True,
) -> NDArray[np.int_]:
    """Return the cells (a, b, c, d) of 2×2 tables with given margins and association, in whole numbers.

    The first cell solves one equation given the margins: of the odds ratio ``a (n − n_row − n_column + a) =
    OR (n_row − a)(n_column − a)``; of phi ``a n − n_row n_column = φ sqrt(product of the four margins)``; of the
    chi-square statistics the same with ``φ² = χ²/n``, with Yates's correction ``|ad − bc| = sqrt(…) + n/2``.

    Parameters
    ----------
    n : (K,) array_like
        Totals.
    n_row, n_column : (K,) array_like
        Totals of the first row and of the first column.
    value : (K,) array_like
        The measure of association.
    association : {"odds_ratio", "phi", "chi2", "chi2_yates"}
        Which one it is.
    positive : bool
        For the chi-square statistics, which have no sign: whether the first cell exceeds its expectation.

    Returns
    -------
    (K, 4) array of int

    Raises
    ------
    InputError
        If margins do not fit, or no table with these margins has that association: none is guessed.
    """
    where = "rebuild"
    total, row, column, measure = arrays(where, n=n, n_row=n_row, n_column=n_column, value=value)
    require(where, "n_row", (row > 0) & (row < total), "is not between 0 and n", "Check the margins.")
    require(where, "n_column", (column > 0) & (column < total), "is not between 0 and n", "Check the margins.")
    if association == "odds_ratio":
        require(where, "value", measure > 0, "is no odds ratio", "Check it.")
        first = _by_odds_ratio(total, row, column, measure)
    else:
        first = _by_distance(total, row, column, measure, association, positive)
    low, high = np.maximum(0, row + column - total), np.minimum(row, column)
    inside = (first > low - 0.5) & (first < high + 0.5)
    require(where, "value", inside, "is impossible with these margins", "Check the margins and the measure.")
    a = np.clip(np.rint(first), low, high)
    return np.stack([a, row - a, column - a, total - row - column + a], axis=1).astype(np.int_)


def _by_odds_ratio(
    total: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64], odds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the first cell that gives the odds ratio: the root of a quadratic that leaves no cell negative."""
    one = odds == 1
    square = np.where(one, 1.0, 1 - odds)
    linear = total - row - column + odds * (row + column)
    root = np.sqrt(np.maximum(linear**2 + 4 * square * odds * row * column, 0.0))
    return np.where(one, row * column / total, (root - linear) / (2 * square))


def _by_distance(
    total: NDArray[np.float64],
    row: NDArray[np.float64],
    column: NDArray[np.float64],
    value: NDArray[np.float64],
    association: str,
    positive: bool,
) -> NDArray[np.float64]:
    """Return the first cell from the distance |ad − bc| that phi or a chi-square statistic implies."""
    margins = np.sqrt(row * column * (total - row) * (total - column))
    if association == "phi":
        require("rebuild", "value", np.abs(value) <= 1, "is no phi", "Check it.")
        return (row * column + value * margins) / total
    require("rebuild", "value", value >= 0, "is no chi-square statistic", "Check it.")
    distance = np.sqrt(value / total) * margins + (total / 2 if association == "chi2_yates" else 0.0)
    return (row * column + (1 if positive else -1) * distance) / total
