"""Log-transformed standard deviation of a single group."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def log_standard_deviation(sd: ArrayLike, n: ArrayLike) -> Estimates:
    """Return ``ln(sd) + 1 / (2 (n − 1))`` with its variance ``1 / (2 (n − 1))``.

    Parameters
    ----------
    sd, n : (K,) array_like
        Standard deviation and size.

    Raises
    ------
    InputError
        If a standard deviation is not positive or a size is below 2.

    References
    ----------
    Raudenbush & Bryk (1987), Journal of Educational Statistics 12(3), 241-269, doi:10.3102/10769986012003241.
    """
    where = "log_standard_deviation"
    s, size = arrays(where, sd=sd, n=n)
    require(where, "sd", (s > 0) & (size >= 2), "is not positive, or its group has fewer than 2 units", "Check it.")
    half = 1 / (2 * (size - 1))
    return Estimates(np.log(s) + half, half)


MEASURE = Measure(
    "log_standard_deviation", "log standard deviation", compute=log_standard_deviation, back="exp", code="SDLN"
)
