"""Partial correlation from a regression coefficient's t value."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def partial_correlation(t: ArrayLike, n: ArrayLike, predictors: ArrayLike, *, fisher: bool = False) -> Estimates:
    """Return partial correlations ``t / sqrt(t² + n − m − 1)`` with their variances.

    The variance is ``(1 − r²)² / (n − m − 1)``; of Fisher's z it is ``1 / (n − m − 2)``, because the other
    predictors, m − 1 in number, are partialled out of a correlation with n − 3.

    Parameters
    ----------
    t : (K,) array_like
        t values of the coefficient of interest.
    n : (K,) array_like
        Numbers of observations.
    predictors : (K,) array_like
        Numbers m of predictors in the regressions, the one of interest included.
    fisher : bool
        Whether to return Fisher's z of the partial correlation.

    Raises
    ------
    InputError
        If too few degrees of freedom are left.

    References
    ----------
    Aloe & Thompson (2013), Journal of the Society for Social Work and Research 4(4), 390-405,
    doi:10.5243/jsswr.2013.24.
    """
    where = "partial_correlation"
    value, size, m = arrays(where, t=t, n=n, predictors=predictors)
    require(where, "n", size - m - 2 > 0, "leaves no degrees of freedom", "Check n and the number of predictors.")
    r = value / np.sqrt(value**2 + size - m - 1)
    if fisher:
        return Estimates(np.arctanh(r), 1 / (size - m - 2))
    return Estimates(r, (1 - r**2) ** 2 / (size - m - 1))


MEASURE = Measure("partial_correlation", "partial correlation", compute=partial_correlation, code="PCOR, ZPCOR")
