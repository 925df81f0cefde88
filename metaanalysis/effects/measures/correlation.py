"""Raw product-moment correlation, optionally without its bias."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import hyp2f1

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def correlation(r: ArrayLike, n: ArrayLike, *, unbiased: bool = False) -> Estimates:
    """Return correlations with their large-sample variances ``(1 − r²)² / (n − 1)``.

    Parameters
    ----------
    r : (K,) array_like
        Correlations.
    n : (K,) array_like
        Numbers of pairs, at least 5.
    unbiased : bool
        Whether to use the unbiased estimator ``r ₂F₁(½, ½; (n − 2)/2; 1 − r²)`` (Olkin & Pratt 1958), also in the
        variance.

    Raises
    ------
    InputError
        If a correlation is outside [-1, 1] or n is below 5.

    References
    ----------
    Olkin & Pratt (1958), Annals of Mathematical Statistics 29(1), 201-211, doi:10.1214/aoms/1177706717, eq. 2.3.
    """
    where = "correlation"
    rho, size = arrays(where, r=r, n=n)
    require(where, "r", np.abs(rho) <= 1, "is no correlation", "Check it.")
    require(where, "n", size >= 5, "is below 5", "Leave out that effect.")
    yi = rho * hyp2f1(0.5, 0.5, (size - 2) / 2, 1 - rho**2) if unbiased else rho
    return Estimates(yi, (1 - yi**2) ** 2 / (size - 1))


MEASURE = Measure("correlation", "correlation", compute=correlation, code="COR, UCOR")
