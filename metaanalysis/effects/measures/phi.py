"""Phi coefficient of a 2×2 table."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.cells import from_cells
from metaanalysis.effects.estimates import Estimates, require
from metaanalysis.effects.measure import Measure


def phi(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike) -> Estimates:
    """Return phi coefficients with their multinomial delta-method variances (Yule 1912, p. 603).

    Parameters
    ----------
    a, b, c, d : (K,) array_like
        Cells, first row then second row.

    Raises
    ------
    InputError
        If a cell is negative or a margin is empty.

    References
    ----------
    Yule (1912), Journal of the Royal Statistical Society 75(6), 579-652, doi:10.2307/2340126.
    """
    where = "phi"
    cells = from_cells(where, a, b, c, d)
    n = cells.sum(axis=0)
    row, column = (cells[0] + cells[1]) / n, (cells[0] + cells[2]) / n
    inside = (row > 0) & (row < 1) & (column > 0) & (column < 1)
    require(where, "a", inside, "belongs to a table with an empty margin", "Leave out that effect.")
    rows, columns = row * (1 - row), column * (1 - column)
    yi = (cells[0] * cells[3] - cells[1] * cells[2]) / n**2 / np.sqrt(rows * columns)
    lean_row, lean_column = 2 * row - 1, 2 * column - 1
    vi = (
        1
        - yi**2
        + yi * (1 + yi**2 / 2) * lean_row * lean_column / np.sqrt(rows * columns)
        - 0.75 * yi**2 * (lean_row**2 / rows + lean_column**2 / columns)
    ) / n
    return Estimates(yi, vi)


MEASURE = Measure("phi", "phi coefficient", compute=phi, code="PHI")
