"""Standardised mean difference with the pooled standard deviation (Hedges' g)."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure
from metaanalysis.effects.small_sample import hedges_factor


def standardised_mean_difference(
    m1: ArrayLike, sd1: ArrayLike, n1: ArrayLike, m2: ArrayLike, sd2: ArrayLike, n2: ArrayLike
) -> Estimates:
    """Return Hedges' g, with the exact small-sample factor, and its large-sample variance.

    ``g = J (m1 − m2) / sd_pooled`` with variance ``1/n1 + 1/n2 + g² / (2 (n1 + n2))``.

    Parameters
    ----------
    m1, sd1, n1 : (K,) array_like
        Mean, standard deviation and size of the treated arm.
    m2, sd2, n2 : (K,) array_like
        The same of the reference arm.

    Raises
    ------
    InputError
        If a standard deviation is not positive or an arm has fewer than two units.

    References
    ----------
    Hedges (1981), Journal of Educational Statistics 6(2), 107-128, doi:10.3102/10769986006002107.
    Hedges & Olkin (1985), Statistical Methods for Meta-Analysis, p. 86, eq. 14.
    """
    where = "standardised_mean_difference"
    m1, sd1, n1, m2, sd2, n2 = arrays(where, m1=m1, sd1=sd1, n1=n1, m2=m2, sd2=sd2, n2=n2)
    for name, sd, size in (("sd1", sd1, n1), ("sd2", sd2, n2)):
        require(where, name, (sd > 0) & (size >= 2), "is not positive, or its arm has fewer than 2 units", "Check it.")
    df = n1 + n2 - 2
    pooled = np.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / df)
    yi = hedges_factor(df) * (m1 - m2) / pooled
    return Estimates(yi, 1 / n1 + 1 / n2 + yi**2 / (2 * (n1 + n2)))


MEASURE = Measure(
    "standardised_mean_difference", "standardised mean difference", compute=standardised_mean_difference, code="SMD"
)
