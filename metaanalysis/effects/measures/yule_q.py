"""Yule's Q of a 2×2 table."""

from numpy.typing import ArrayLike

from metaanalysis.effects.cells import corrected, from_cells
from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measure import Measure


def yule_q(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike, *, add: float = 0.5) -> Estimates:
    """Return Yule's Q, ``(ad − bc) / (ad + bc)``, with variance ``¼ (1 − Q²)² (1/a + 1/b + 1/c + 1/d)``.

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
    Yule (1912), Journal of the Royal Statistical Society 75(6), 579-652, doi:10.2307/2340126.
    """
    where = "yule_q"
    cells = corrected(where, from_cells(where, a, b, c, d), add=add, to_all=False)
    along, against = cells[0] * cells[3], cells[1] * cells[2]
    yi = (along - against) / (along + against)
    return Estimates(yi, (1 - yi**2) ** 2 * (1 / cells).sum(axis=0) / 4)


MEASURE = Measure("yule_q", "Yule's Q", compute=yule_q, code="YUQ")
