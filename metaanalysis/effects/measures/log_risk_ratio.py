"""Log risk ratio of two arms."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.cells import corrected, from_events
from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measure import Measure


def log_risk_ratio(
    a: ArrayLike, n1: ArrayLike, c: ArrayLike, n2: ArrayLike, *, add: float = 0.5, to_all: bool = False
) -> Estimates:
    """Return log risk ratios with their large-sample variances.

    ``ln((a / n1) / (c / n2))`` with variance ``1/a − 1/n1 + 1/c − 1/n2`` (Katz et al. 1978).

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
    Katz, Baptista, Azen & Pike (1978), Biometrics 34(3), 469-474, doi:10.2307/2530610.

    Examples
    --------
    >>> table = log_risk_ratio(4, 123, 11, 139)
    >>> round(float(table.yi[0]), 4), round(float(table.vi[0]), 4)
    (-0.8893, 0.3256)
    """
    where = "log_risk_ratio"
    one, not_one, two, not_two = corrected(where, from_events(where, a, n1, c, n2), add=add, to_all=to_all)
    size1, size2 = one + not_one, two + not_two
    return Estimates(np.log((one / size1) / (two / size2)), 1 / one - 1 / size1 + 1 / two - 1 / size2)


MEASURE = Measure("log_risk_ratio", "log risk ratio", compute=log_risk_ratio, back="exp", code="RR")
