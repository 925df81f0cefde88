"""Difference of two arms' square-root transformed incidence rates."""

from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measure import Measure
from metaanalysis.effects.measures.root_rate import root_rate


def root_rate_difference(x1: ArrayLike, time1: ArrayLike, x2: ArrayLike, time2: ArrayLike) -> Estimates:
    """Return ``sqrt(x1 / time1) − sqrt(x2 / time2)`` with variance ``1 / (4 time1) + 1 / (4 time2)``.

    Parameters
    ----------
    x1, x2 : (K,) array_like
        Events in the treated and in the reference arm (Poisson).
    time1, time2 : (K,) array_like
        Times at risk.

    Raises
    ------
    InputError
        If a count is negative or a time is not positive.

    References
    ----------
    Bartlett (1936), Supplement to the Journal of the Royal Statistical Society 3(1), 68-78, doi:10.2307/2983678.
    """
    one, two = root_rate(x1, time1), root_rate(x2, time2)
    return Estimates(one.yi - two.yi, one.vi + two.vi)


MEASURE = Measure("root_rate_difference", "difference of root rates", compute=root_rate_difference, code="IRSD")
