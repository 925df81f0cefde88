"""Log response ratio (ratio of means) from arms' summary data."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def log_response_ratio(
    m1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    m2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    *,
    bias_corrected: bool = False,
) -> Estimates:
    """Return log ratios of means with their delta-method variances.

    ``ln(m1 / m2)`` with variance ``sd1² / (n1 m1²) + sd2² / (n2 m2²)`` (Hedges, Gurevitch & Curtis 1999, eq. 1).
    The bias-corrected estimate adds half the difference of these two terms (Lajeunesse 2015, eq. 8); programs
    differ in which they print, so a report names the choice.

    Parameters
    ----------
    m1, sd1, n1 : (K,) array_like
        Mean, standard deviation and size of the treated arm.
    m2, sd2, n2 : (K,) array_like
        The same of the reference arm.
    bias_corrected : bool
        Whether to add the small-sample correction to the estimate. The variance stays the same.

    Raises
    ------
    InputError
        If the means have opposite signs or are zero, a standard deviation is negative, or a size is not positive.

    References
    ----------
    Hedges, Gurevitch & Curtis (1999), Ecology 80(4), 1150-1156.
    Lajeunesse (2015), Ecology 96(8), 2056-2063, doi:10.1890/14-2402.1.
    """
    where = "log_response_ratio"
    m1, sd1, n1, m2, sd2, n2 = arrays(where, m1=m1, sd1=sd1, n1=n1, m2=m2, sd2=sd2, n2=n2)
    require(where, "m1", m1 * m2 > 0, "and the reference mean have no positive ratio", "Use a difference measure.")
    for name, sd, size in (("sd1", sd1, n1), ("sd2", sd2, n2)):
        require(where, name, (sd >= 0) & (size > 0), "is negative, or its arm is empty", "Check that arm.")
    share1, share2 = sd1**2 / (n1 * m1**2), sd2**2 / (n2 * m2**2)
    yi = np.log(m1 / m2) + (0.5 * (share1 - share2) if bias_corrected else 0.0)
    return Estimates(yi, share1 + share2)


MEASURE = Measure("log_response_ratio", "log ratio of means", compute=log_response_ratio, back="exp", code="ROM")
