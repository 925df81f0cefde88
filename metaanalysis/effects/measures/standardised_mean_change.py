"""Standardised mean change of one group measured twice."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure
from metaanalysis.effects.small_sample import hedges_factor

Standardiser = Literal["pretest", "change"]


def standardised_mean_change(
    m_post: ArrayLike,
    m_pre: ArrayLike,
    sd_post: ArrayLike,
    sd_pre: ArrayLike,
    n: ArrayLike,
    r: ArrayLike,
    *,
    standardiser: Standardiser = "pretest",
) -> Estimates:
    """Return standardised mean changes with their variances.

    ``d = J(n − 1) (m_post − m_pre) / s``. With the pretest standard deviation (raw-score metric) the variance is
    ``2 (1 − r) / n + d² / (2 n)``; with that of the changes, ``sqrt(sd_post² + sd_pre² − 2 r sd_post sd_pre)``
    (change-score metric), it is ``1 / n + d² / (2 n)``.

    Parameters
    ----------
    m_post, m_pre : (K,) array_like
        Means after and before.
    sd_post, sd_pre : (K,) array_like
        Standard deviations after and before.
    n : (K,) array_like
        Number of pairs.
    r : (K,) array_like
        Correlation of before and after.
    standardiser : {"pretest", "change"}
        Which standard deviation divides the change.

    Raises
    ------
    InputError
        If a standard deviation is not positive, a correlation is not between -1 and 1, or n is below 2.

    References
    ----------
    Becker (1988), British Journal of Mathematical and Statistical Psychology 41(2), 257-278.
    Gibbons, Hedeker & Davis (1993), Journal of Educational Statistics 18(3), 271-279.
    """
    where = "standardised_mean_change"
    post, pre, sd1, sd0, size, rho = arrays(where, m_post=m_post, m_pre=m_pre, sd_post=sd_post, sd_pre=sd_pre, n=n, r=r)
    require(where, "sd_post", sd1 > 0, "is not positive", "Check it.")
    require(where, "sd_pre", sd0 > 0, "is not positive", "Check it.")
    require(where, "n", size >= 2, "is below 2", "Leave out that effect.")
    require(where, "r", np.abs(rho) < 1, "is no correlation below one", "Check it.")
    change = np.sqrt(sd1**2 + sd0**2 - 2 * rho * sd1 * sd0)
    yi = hedges_factor(size - 1) * (post - pre) / (sd0 if standardiser == "pretest" else change)
    first = 2 * (1 - rho) / size if standardiser == "pretest" else 1 / size
    return Estimates(yi, first + yi**2 / (2 * size))


MEASURE = Measure(
    "standardised_mean_change", "standardised mean change", compute=standardised_mean_change, code="SMCR, SMCC"
)
