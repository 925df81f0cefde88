"""Semi-partial correlation from a regression coefficient's t value and the regression's R²."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def semipartial_correlation(
    t: ArrayLike, n: ArrayLike, predictors: ArrayLike, r2: ArrayLike, *, fisher: bool = False
) -> Estimates:
    """Return semi-partial correlations ``t sqrt((1 − R²) / (n − m − 1))`` with their variances.

    The variance is ``(R⁴ − 2R² + R₋² + 1 − R₋⁴) / n``, where ``R₋² = R² − r²`` is that of the regression without the
    predictor of interest (Aloe & Becker 2012, eq. 10); for Fisher's z it is divided by ``(1 − r²)²``.

    Parameters
    ----------
    t : (K,) array_like
        t values of the coefficient of interest.
    n : (K,) array_like
        Numbers of observations.
    predictors : (K,) array_like
        Numbers m of predictors in the regressions, the one of interest included.
    r2 : (K,) array_like
        Coefficients of determination of the full regressions.
    fisher : bool
        Whether to return Fisher's z of the semi-partial correlation.

    Raises
    ------
    InputError
        If too few degrees of freedom are left, R² is outside [0, 1), or t is too large for R².

    References
    ----------
    Aloe & Becker (2012), Journal of Educational and Behavioral Statistics 37(2), 278-297,
    doi:10.3102/1076998610396901.
    """
    where = "semipartial_correlation"
    value, size, m, square = arrays(where, t=t, n=n, predictors=predictors, r2=r2)
    require(where, "n", size - m - 1 > 0, "leaves no degrees of freedom", "Check n and the number of predictors.")
    require(where, "r2", (square >= 0) & (square < 1), "is not in [0, 1)", "Check it.")
    r = value * np.sqrt((1 - square) / (size - m - 1))
    without = square - r**2
    require(where, "t", without >= -1e-3, "is too large for that R²", "Check t, n, the predictors and R².")
    variance = (square**2 - 2 * square + without + 1 - without**2) / size
    return Estimates(np.arctanh(r), variance / (1 - r**2) ** 2) if fisher else Estimates(r, variance)


MEASURE = Measure(
    "semipartial_correlation", "semi-partial correlation", compute=semipartial_correlation, code="SPCOR, ZSPCOR"
)
