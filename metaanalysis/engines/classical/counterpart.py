"""The frequentist counterpart of the Bayesian comparison: what a report prints beside it."""

from collections.abc import Sequence

import numpy as np

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.classical.components import DEFAULT_LEVELS
from metaanalysis.engines.classical.continuity import continuity_test
from metaanalysis.engines.classical.curves import MIN_STUDIES, Gap, Null, null_design
from metaanalysis.engines.classical.marginal import Level
from metaanalysis.engines.classical.multilevel import multilevel
from metaanalysis.engines.classical.robust import cluster_robust
from metaanalysis.engines.classical.sup_test import sup_test
from metaanalysis.engines.classical.threshold_profile import ThresholdProfile, threshold_profile

Value = float | int | str
LEVEL = 0.95


def counterpart(
    table: EffectTable,
    *,
    draws: int = 1999,
    seed: int = 0,
    levels: Sequence[Level] = DEFAULT_LEVELS,
    min_studies: int = MIN_STUDIES,
) -> dict[str, Value]:
    """Return the frequentist answers to the package's question, by dotted name.

    Parameters
    ----------
    table : EffectTable
        Effects.
    draws, seed : int
        Bootstrap draws and permutations of each test, and their seed.
    levels : sequence of str
        Levels with a random effect.
    min_studies : int
        Studies required on each side of a threshold.

    Returns
    -------
    dict
        ``slope.*``: REML multilevel linear slope per exposure range, CR2 standard error, Satterthwaite degrees of
        freedom, p, 95 % limits, heterogeneity variances ``slope.sigma2.<level>``.
        ``step_over_linear.*`` and ``step_over_flat.*``: sup-Wald of a jump at an unknown threshold; where it is
        reached (``low``, ``high``), ``jump`` and ``se`` there, ``p_naive`` (ignores the search), ``p_bootstrap``,
        ``p_permutation`` (each with ``_error``, Monte Carlo), ``p_davies``, and ``p_robust``, the bootstrap p-value of
        the study-clustered score statistic; ``sup_lr``, and the 95 % confidence set of the threshold as ``set``
        (text), ``set_low``, ``set_high``, ``set_share`` (of the span searched).
        ``continuity.*``: kink against kink with a jump.

    Raises
    ------
    InputError
        If the exposures do not allow a slope or a threshold to be tested.
    """
    out: dict[str, Value] = {"draws": draws, "level": LEVEL, "effects": len(table), "studies": len(table.blocks)}
    out |= {f"slope.{key}": value for key, value in _slope(table, levels).items()}
    nulls: tuple[Null, ...] = ("linear", "flat")
    for null in nulls:
        found = _step(table, null, draws=draws, seed=seed, levels=levels, min_studies=min_studies)
        out |= {f"step_over_{null}.{key}": value for key, value in found.items()}
    smooth = continuity_test(table, levels=levels, draws=draws, seed=seed, min_studies=min_studies)
    names = ("statistic", "p", "error", "kink", "jump")
    return out | {f"continuity.{name}": getattr(smooth, name) for name in names}


def _slope(table: EffectTable, levels: Sequence[Level]) -> dict[str, Value]:
    """Return the linear slope with robust inference."""
    fit = multilevel(table, null_design(table, "linear"), levels=levels)
    robust = cluster_robust(fit.residual, fit.design, fit.beta, fit.blocks)
    low, high = robust.interval(LEVEL)[-1]
    values: dict[str, Value] = {
        "estimate": float(fit.beta[-1]),
        "se": float(robust.se[-1]),
        "df": float(robust.df[-1]),
        "p": float(robust.p_values()[-1]),
        "low": float(low),
        "high": float(high),
    }
    return values | {f"sigma2.{level}": component for level, component in fit.sigma2.items()}


def _step(
    table: EffectTable, null: Null, *, draws: int, seed: int, levels: Sequence[Level], min_studies: int
) -> dict[str, Value]:
    """Return the tests of a jump over one null curve, and its confidence set."""
    test = sup_test(table, null=null, levels=levels, draws=draws, seed=seed, min_studies=min_studies)
    robust = sup_test(table, null=null, kind="robust", levels=levels, draws=draws, seed=seed, min_studies=min_studies)
    profile = threshold_profile(table, null=null, levels=levels, min_studies=min_studies)
    inside = profile.confidence_set(LEVEL)
    return {
        "statistic": test.statistic,
        "low": test.threshold[0],
        "high": test.threshold[1],
        "jump": test.coefficient,
        "se": test.se,
        "p_naive": test.p_naive,
        "p_bootstrap": test.p_bootstrap,
        "p_bootstrap_error": test.error_bootstrap,
        "p_permutation": test.p_permutation,
        "p_permutation_error": test.error_permutation,
        "permuted": test.permuted,
        "p_davies": test.p_davies,
        "p_robust": robust.p_bootstrap,
        "sup_lr": profile.sup_lr,
        "set": ", ".join(f"{low:g}–{high:g}" for low, high in inside),
        "set_low": inside[0][0],
        "set_high": inside[-1][1],
        "set_share": _share(inside, profile),
    }


def _share(inside: Sequence[Gap], profile: ThresholdProfile) -> float:
    """Return the length of the confidence set over that of all candidates."""
    whole = np.sum([high - low for low, high in profile.ends])
    return float(np.sum([high - low for low, high in inside]) / whole)
