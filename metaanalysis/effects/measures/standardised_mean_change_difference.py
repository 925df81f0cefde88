"""Difference of standardised mean changes: pretest-posttest designs with a control group."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure
from metaanalysis.effects.measures.standardised_mean_change import standardised_mean_change
from metaanalysis.effects.small_sample import hedges_factor


@dataclass(frozen=True, slots=True)
class Changes:
    """Summary data of one arm measured twice, each (K,): means, standard deviations, size, correlation."""

    m_post: ArrayLike
    m_pre: ArrayLike
    sd_post: ArrayLike
    sd_pre: ArrayLike
    n: ArrayLike
    r: ArrayLike


def standardised_mean_change_difference(
    treated: Changes,
    reference: Changes,
    *,
    standardiser: Literal["pretest", "change", "pooled_pretest"] = "pooled_pretest",
) -> Estimates:
    """Return treated minus reference standardised mean changes with their variances.

    With ``"pretest"`` or ``"change"`` each arm is standardised by itself and the variances add. With
    ``"pooled_pretest"`` both changes are divided by the pooled pretest standard deviation (Morris 2008, eqs 8-10)
    and the variance is ``2 (1 − r) (1/n₁ + 1/n₀) + d² / (2 (n₁ + n₀))``, r being the mean of the arms' correlations.

    Parameters
    ----------
    treated, reference : Changes
        Summary data of both arms.
    standardiser : {"pretest", "change", "pooled_pretest"}
        Which standard deviation divides the changes.

    Raises
    ------
    InputError
        If a standard deviation is not positive, a correlation is not between -1 and 1, or a size is below 2.

    References
    ----------
    Morris (2008), Organizational Research Methods 11(2), 364-386, doi:10.1177/1094428106291059.
    """
    if standardiser != "pooled_pretest":
        one, two = (
            standardised_mean_change(
                arm.m_post, arm.m_pre, arm.sd_post, arm.sd_pre, arm.n, arm.r, standardiser=standardiser
            )
            for arm in (treated, reference)
        )
        return Estimates(one.yi - two.yi, one.vi + two.vi)
    change1, s1, n1, r1 = _arm("treated", treated)
    change0, s0, n0, r0 = _arm("reference", reference)
    df = n1 + n0 - 2
    pooled = np.sqrt(((n1 - 1) * s1**2 + (n0 - 1) * s0**2) / df)
    yi = hedges_factor(df) * (change1 - change0) / pooled
    return Estimates(yi, 2 * (1 - (r1 + r0) / 2) * (1 / n1 + 1 / n0) + yi**2 / (2 * (n1 + n0)))


def _arm(name: str, arm: Changes) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return change, pretest standard deviation, size and correlation of one arm."""
    where = f"standardised_mean_change_difference: {name}"
    post, pre, s, n, r = arrays(where, m_post=arm.m_post, m_pre=arm.m_pre, sd_pre=arm.sd_pre, n=arm.n, r=arm.r)
    require(where, "sd_pre", s > 0, "is not positive", "Check it.")
    require(where, "n", n >= 2, "is below 2", "Leave out that effect.")
    require(where, "r", np.abs(r) < 1, "is no correlation below one", "Check it.")
    return post - pre, s, n, r


MEASURE = Measure(
    "standardised_mean_change_difference",
    "difference of standardised mean changes",
    compute=standardised_mean_change_difference,
    code="SMCR, SMCC, Morris's d",
)
