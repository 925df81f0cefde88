"""Covariance of several treatments compared with one control arm (Gleser & Olkin 2009).

References
----------
Gleser & Olkin (2009), Stochastically dependent effect sizes, in The Handbook of Research Synthesis and
Meta-Analysis, 2nd ed., 357-376, eqs 19.2-19.19.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.effects.estimates import Estimates, arrays, require

Array = NDArray[np.float64]
BinaryMeasure = Literal["risk_difference", "log_risk_ratio", "log_odds_ratio"]


def shared_control(vi: ArrayLike, control: ArrayLike, study: Sequence[object]) -> Array:
    """Return the covariance of effects that share the control arm within each study.

    Parameters
    ----------
    vi : (K,) array_like
        Sampling variances.
    control : (K,) array_like
        The part of each variance that comes from the control arm: the covariance with the study's other effects.
    study : sequence, length K
        Study of each effect.

    Returns
    -------
    (K, K) array

    Raises
    ------
    InputError
        If lengths differ, or a control arm's part is not smaller than the variance or differs within a study.
    """
    where = "shared_control"
    variances, parts, codes = arrays(where, vi=vi, control=control, study=_codes(study))
    require(where, "control", (parts >= 0) & (parts < variances), "is not smaller than the variance", "Check it.")
    same = codes[:, None] == codes[None, :]
    unequal = same & ~np.isclose(parts[:, None], parts[None, :], rtol=1e-9)
    require(where, "control", ~unequal.any(axis=1), "differs from another of its study", "One control arm, one value.")
    covariance: Array = np.where(same, parts[:, None], 0.0)
    np.fill_diagonal(covariance, variances)
    return covariance


def shared_control_binary(
    a: ArrayLike, n1: ArrayLike, c: ArrayLike, n2: ArrayLike, study: Sequence[object], *, measure: BinaryMeasure
) -> tuple[Estimates, Array]:
    """Return effects on a binary outcome, and their covariance where treatments share a control arm.

    The control arm's part is ``p (1 − p) / n`` for risk differences, ``(1 − p) / (n p)`` for log risk ratios and
    ``1 / (n p (1 − p))`` for log odds ratios.

    Parameters
    ----------
    a, n1 : (K,) array_like
        Events and size of the treated arms.
    c, n2 : (K,) array_like
        Events and size of the control arm, repeated for each treatment.
    study : sequence, length K
        Study of each effect.
    measure : {"risk_difference", "log_risk_ratio", "log_odds_ratio"}
        The measure.

    Returns
    -------
    effects : Estimates
    covariance : (K, K) array

    Raises
    ------
    InputError
        If counts are impossible, or a cell is empty: no correction is made, for it would be counted twice.
    """
    from metaanalysis.effects.measures import measure as find

    compute = find(measure).compute
    assert compute is not None
    effects: Estimates = compute(a, n1, c, n2, add=0.0)
    events, size = arrays("shared_control_binary", c=c, n2=n2)
    p = events / size
    part = {
        "risk_difference": p * (1 - p) / size,
        "log_risk_ratio": (1 - p) / (size * p),
        "log_odds_ratio": 1 / (size * p * (1 - p)),
    }[measure]
    return effects, shared_control(effects.vi, part, study)


def shared_control_standardised(difference: ArrayLike, n1: ArrayLike, n2: ArrayLike, study: Sequence[object]) -> Array:
    """Return the covariance of standardised mean differences that share control arm and pooled deviation.

    ``1/n2 + d_i d_j / (2 N)`` off and ``1/n1 + 1/n2 + d² / (2 N)`` on the diagonal, N being the study's total with its
    control arm counted once (eqs 19.16, 19.17).

    Parameters
    ----------
    difference : (K,) array_like
        Mean differences over the standard deviation pooled over all arms of the study.
    n1 : (K,) array_like
        Sizes of the treated arms.
    n2 : (K,) array_like
        Size of the control arm, repeated for each treatment.
    study : sequence, length K
        Study of each effect.

    Returns
    -------
    (K, K) array

    Raises
    ------
    InputError
        If lengths differ or a size is not positive.
    """
    where = "shared_control_standardised"
    d, treated, control, codes = arrays(where, difference=difference, n1=n1, n2=n2, study=_codes(study))
    require(where, "n1", (treated > 0) & (control > 0), "or its control arm is empty", "Check the sizes.")
    same = codes[:, None] == codes[None, :]
    total = same @ treated + control
    covariance: Array = np.where(same, 1 / control + np.outer(d, d) / (2 * total), 0.0)
    covariance[np.diag_indices_from(covariance)] += 1 / treated
    return covariance


def _codes(study: Sequence[object]) -> list[float]:
    """Return studies as numbers."""
    order = {name: float(i) for i, name in enumerate(dict.fromkeys(study))}
    return [order[name] for name in study]
