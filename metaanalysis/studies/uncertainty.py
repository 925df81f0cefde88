"""Standard errors from intervals, p-values and the digits in which they were printed.

All tests and intervals are read as normal ones. The models that use the standard errors treat sampling errors as
normal with known variance, so a standard error read with the normal quantile reproduces the printed p-value *in the
model*; for small samples it is a little larger than the standard error inside the printed t test, which is how the
few degrees of freedom are paid for.
"""

from decimal import Decimal
from math import erfc, inf, isfinite, sqrt
from statistics import NormalDist
from typing import Final

NORMAL: Final = NormalDist()

CONVENTIONAL: Final = (0.1, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001)
"""A p-value equal to one of these may be a bound taken for a value."""


def quantile(level: float) -> float:
    """Return the normal quantile of a two-sided interval, e.g. 1.96 for ``level`` 95.

    Parameters
    ----------
    level : float
        Coverage in percent, between 0 and 100.
    """
    return NORMAL.inv_cdf(0.5 + level / 200)


def from_interval(lower: float, upper: float, level: float = 95.0) -> float:
    """Return the standard error whose symmetric normal interval has the width of the one given.

    Parameters
    ----------
    lower, upper : float
        Ends of the interval, on the scale wanted.
    level : float
        Coverage in percent.
    """
    return (upper - lower) / (2 * quantile(level))


def from_p(estimate: float, p: float) -> float | None:
    """Return the standard error that gives a two-sided normal test of ``estimate`` the p-value ``p``.

    None where there is none: p of 0 or 1, or an estimate of exactly 0.

    Parameters
    ----------
    estimate : float
        The estimate, on the scale wanted.
    p : float
        Two-sided p-value of no effect.
    """
    if not 0 < p / 2 < 0.5 or estimate == 0:
        return None
    z = -NORMAL.inv_cdf(p / 2)
    return abs(estimate) / z if z > 0 else None


def p_value(estimate: float, se: float) -> float:
    """Return the two-sided normal p-value of no effect."""
    return erfc(abs(estimate) / se / sqrt(2))


def half_unit(value: float) -> float:
    """Return half a unit of the last digit printed, as far as the number itself shows it.

    Trailing zeros are lost when a file is read (0.60 is 0.6), so the result may be too wide by powers of ten but is
    never too narrow. Whole numbers are taken as rounded to units.

    Examples
    --------
    >>> half_unit(0.17), half_unit(21.0)
    (0.005, 0.5)
    """
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    return 0.5 * 10.0 ** min(int(exponent), 0)


def from_rounded_p(estimate: float, p: float, *, slack: float = 0.0) -> tuple[float, float]:
    """Return the smallest and the largest standard error compatible with a printed p-value.

    Parameters
    ----------
    estimate : float
        The estimate, on the scale wanted.
    p : float
        Two-sided p-value as printed: the true one lies within half a unit of its last digit.
    slack : float
        Half-width of the rounding of the estimate itself.

    Returns
    -------
    (float, float)
        Range of standard errors; ``(0, inf)`` where the p-value says nothing.
    """
    half = half_unit(p)
    low_p, high_p = max(p - half, 0.0), min(p + half, 1.0)
    smallest = from_p(max(abs(estimate) - slack, 0.0), low_p)
    largest = from_p(abs(estimate) + slack, high_p)
    return smallest or 0.0, largest if largest is not None and isfinite(largest) else inf
