"""Difference of two arms' probit-transformed risks."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from metaanalysis.effects.cells import corrected, from_events
from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measure import Measure


def probit_difference(
    a: ArrayLike, n1: ArrayLike, c: ArrayLike, n2: ArrayLike, *, add: float = 0.5, to_all: bool = False
) -> Estimates:
    """Return differences of probits, which estimate a standardised mean difference of normal traits cut in two.

    ``z1 − z2`` with ``z = Φ⁻¹(p)`` and variance the sum over arms of ``2π p (1 − p) exp(z²) / n``.

    Parameters
    ----------
    a, c : (K,) array_like
        Events in the treated and in the reference arm.
    n1, n2 : (K,) array_like
        Sizes of the arms.
    add : float
        Added to every cell of a table with an empty one.
    to_all : bool
        Add it to every table instead.

    Raises
    ------
    InputError
        If a count is negative or exceeds its size, or a cell is empty and `add` is 0.

    References
    ----------
    Sánchez-Meca, Marín-Martínez & Chacón-Moscoso (2003), Psychological Methods 8(4), 448-467,
    doi:10.1037/1082-989X.8.4.448.
    """
    where = "probit_difference"
    cells = corrected(where, from_events(where, a, n1, c, n2), add=add, to_all=to_all)
    yi = np.zeros(cells.shape[1])
    vi = np.zeros(cells.shape[1])
    for sign, events, others in ((1, cells[0], cells[1]), (-1, cells[2], cells[3])):
        size = events + others
        z = ndtri(events / size)
        yi += sign * z
        vi += 2 * np.pi * (events / size) * (others / size) * np.exp(z**2) / size
    return Estimates(yi, vi)


MEASURE = Measure("probit_difference", "difference of probits", compute=probit_difference, code="PBIT")
