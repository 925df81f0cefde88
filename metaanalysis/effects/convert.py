"""Estimates from a printed ratio or difference with its interval or p-value."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from metaanalysis.effects.estimates import Estimates, arrays, require


def from_ratio_interval(
    ratio: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, level: float = 95.0, check: float = 0.1
) -> Estimates:
    """Return the log of printed ratios, with variances from the width of their intervals on the log scale.

    Parameters
    ----------
    ratio, lower, upper : (K,) array_like
        Ratio (odds, risk, rate, means) and the ends of its Wald interval.
    level : float
        Coverage in percent.
    check : float
        Largest distance between the log ratio and the centre of its interval that is accepted, as a share of the
        interval's half-width; a ratio off centre was not reported with such an interval, or is misprinted.

    Raises
    ------
    InputError
        If a number is not positive, an interval is empty, or a ratio is off the centre of its interval.

    References
    ----------
    Higgins et al. (eds), Cochrane Handbook for Systematic Reviews of Interventions, version 6, section 6.3.2.

    Examples
    --------
    >>> found = from_ratio_interval([1.37, 1.89], [1.03, 1.60], [1.82, 2.23])
    >>> found.yi.round(4).tolist(), found.vi.round(4).tolist()
    ([0.3148, 0.6366], [0.0211, 0.0072])
    """
    where = "from_ratio_interval"
    value, low, high = arrays(where, ratio=ratio, lower=lower, upper=upper)
    require(where, "lower", (low > 0) & (value > 0), "or its ratio is not positive", "Check them.")
    require(where, "upper", high > low, "is not above its lower end", "Check them.")
    half = (np.log(high) - np.log(low)) / 2
    yi = np.log(value)
    off = np.abs(yi - (np.log(high) + np.log(low)) / 2) / half
    require(where, "ratio", off <= check, "is off the centre of its interval on the log scale", "Check all three.")
    return Estimates(yi, (half / ndtri(0.5 + level / 200)) ** 2)


def from_test(estimate: ArrayLike, p: ArrayLike) -> Estimates:
    """Return estimates with the variances that give a two-sided normal test the printed p-values.

    Parameters
    ----------
    estimate : (K,) array_like
        Estimates on the scale on which the test is approximately normal; not zero.
    p : (K,) array_like
        Two-sided p-values, inside (0, 1).

    Raises
    ------
    InputError
        If an estimate is zero or a p-value is not inside (0, 1).

    References
    ----------
    Altman & Bland (2011), BMJ 343, d2090, doi:10.1136/bmj.d2090.
    """
    where = "from_test"
    yi, value = arrays(where, estimate=estimate, p=p)
    require(where, "p", (value > 0) & (value < 1), "is not between 0 and 1", "A bound such as p < 0.001 gives none.")
    require(where, "estimate", yi != 0, "is zero", "Its p-value says nothing of its standard error.")
    return Estimates(yi, (yi / ndtri(value / 2)) ** 2)
