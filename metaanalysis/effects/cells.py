"""Two-by-two tables: validated cells, and the correction of empty ones."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.effects.estimates import arrays, require

Cells = NDArray[np.float64]


def from_cells(where: str, a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike) -> Cells:
    """Return the cells of K tables, (4, K).

    Parameters
    ----------
    where : str
        Name of the function called, for messages.
    a, b, c, d : (K,) array_like
        First row, then second row.

    Raises
    ------
    InputError
        If a cell is negative.
    """
    cells = np.array(arrays(where, a=a, b=b, c=c, d=d))
    for name, cell in zip("abcd", cells, strict=True):
        require(where, name, cell >= 0, "is negative", "Counts cannot be.")
    return cells


def from_events(where: str, a: ArrayLike, n1: ArrayLike, c: ArrayLike, n2: ArrayLike) -> Cells:
    """Return the cells of K tables, (4, K), from events and sizes of both arms.

    Parameters
    ----------
    where : str
        Name of the function called, for messages.
    a, c : (K,) array_like
        Events in the treated and in the reference arm.
    n1, n2 : (K,) array_like
        Sizes of the arms.

    Raises
    ------
    InputError
        If a count is negative or exceeds its size, or a size is not positive.
    """
    events1, size1, events2, size2 = arrays(where, a=a, n1=n1, c=c, n2=n2)
    for name, count, size in (("a", events1, size1), ("c", events2, size2)):
        require(where, name, (count >= 0) & (count <= size), "is not between 0 and its size", "Check the counts.")
        require(where, name, size > 0, "belongs to an arm of size 0", "Leave out that effect.")
    return np.array([events1, size1 - events1, events2, size2 - events2])


def corrected(where: str, cells: Cells, *, add: float, to_all: bool) -> Cells:
    """Return the tables with `add` in every cell of those with an empty one, or of all.

    Raises
    ------
    InputError
        If a cell stays empty.
    """
    empty = (cells == 0).any(axis=0)
    changed: Cells = cells + add * (empty | to_all)
    require(where, "add", (changed > 0).all(axis=0), "is a table with an empty cell", "Give a positive correction.")
    return changed
