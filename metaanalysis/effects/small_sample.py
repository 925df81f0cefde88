"""The exact small-sample factor of a standardised mean."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln


def hedges_factor(df: ArrayLike) -> NDArray[np.float64]:
    """Return J(m) = Γ(m/2) / (sqrt(m/2) Γ((m − 1)/2)), by which a standardised mean is made unbiased.

    Parameters
    ----------
    df : array_like
        Degrees of freedom m of the standard deviation; above 1.

    References
    ----------
    Hedges (1981), Journal of Educational Statistics 6(2), 107-128, doi:10.3102/10769986006002107, eq. 6e.

    Examples
    --------
    >>> float(hedges_factor(19).round(4))
    0.96
    """
    m = np.asarray(df, dtype=np.float64)
    return np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2)
