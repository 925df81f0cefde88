"""Fisher's z transformed correlation."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def fisher_z(r: ArrayLike, n: ArrayLike) -> Estimates:
    """Return ``atanh(r)`` with its variance ``1 / (n − 3)``.

    Parameters
    ----------
    r : (K,) array_like
        Correlations.
    n : (K,) array_like
        Numbers of pairs, at least 4.

    Raises
    ------
    InputError
        If a correlation is not inside (-1, 1) or n is below 4.

    References
    ----------
    Fisher (1921), Metron 1, 3-32.
    """
    where = "fisher_z"
    rho, size = arrays(where, r=r, n=n)
    require(where, "r", np.abs(rho) < 1, "is no correlation below one", "Check it.")
    require(where, "n", size >= 4, "is below 4", "Leave out that effect.")
    return Estimates(np.arctanh(rho), 1 / (size - 3))


MEASURE = Measure("fisher_z", "Fisher's z", compute=fisher_z, back="tanh", code="ZCOR")
