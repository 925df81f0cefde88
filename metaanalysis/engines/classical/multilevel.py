"""Multilevel meta-regression with known sampling covariance: ML and REML.

y ~ N(Xβ, S + Σ_l σ_l² Z_l Z_l′), S block-diagonal by study, Z_l the grouping of level l nested inside studies
(study, sample, effect). Cost is linear in the number of studies.

References
----------
Konstantopoulos (2011), Res Synth Methods 2:61; Pustejovsky & Tipton (2022), Prev Sci 23:425 (the CHE working model).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.classical.components import DEFAULT_LEVELS, Method, maximise, problem
from metaanalysis.engines.classical.marginal import Level
from metaanalysis.errors import NumericalError, bad

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Multilevel:
    """A fitted multilevel meta-regression.

    Attributes
    ----------
    method : str
        ML or REML.
    beta, se : (p,) arrays
        Coefficients and model-based standard errors.
    vcov : (p, p) array
        Their covariance.
    sigma2 : mapping of level to float
        Variance component of each level.
    loglik : float
        Maximised (restricted) log likelihood, constants included.
    blocks : tuple of (k_s, k_s) arrays
        Fitted marginal covariance of each study.
    design : (K, p) array
        Design matrix.
    residual : (K,) array
        y − Xβ.
    """

    method: str
    beta: Array
    se: Array
    vcov: Array
    sigma2: Mapping[str, float]
    loglik: float
    blocks: tuple[Array, ...]
    design: Array
    residual: Array

    def interval(self, level: float = 0.95) -> Array:
        """Return Wald confidence intervals, (p, 2)."""
        half = float(special.ndtri(0.5 + level / 2)) * self.se
        return np.stack([self.beta - half, self.beta + half], axis=1)

    def p_values(self) -> Array:
        """Return two-sided Wald p-values, (p,)."""
        return np.asarray(2 * special.ndtr(-np.abs(self.beta / self.se)))

    def predict(self, x: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
        """Return the mean at design row `x` and the prediction interval of a new effect in a new study."""
        row = np.asarray(x, float)
        mean = float(row @ self.beta)
        spread = float(np.sqrt(row @ self.vcov @ row + sum(self.sigma2.values())))
        half = float(special.ndtri(0.5 + level / 2)) * spread
        return mean, mean - half, mean + half


def multilevel(
    table: EffectTable,
    x: ArrayLike | None = None,
    *,
    levels: Sequence[Level] = DEFAULT_LEVELS,
    method: Method = "REML",
    sigma2: Sequence[float] | None = None,
) -> Multilevel:
    """Fit a multilevel meta-regression.

    Parameters
    ----------
    table : EffectTable
        Effects with their known covariance.
    x : (K, p) array_like, optional
        Design matrix in table order; default the intercept alone.
    levels : sequence of {"study", "sample", "effect"}
        Levels that carry a random effect. Where two cannot be told apart (every study has one effect), the later one's
        variance is zero and the earlier one's is the sum.
    method : {"ML", "REML"}
        Which likelihood is maximised.
    sigma2 : sequence of float, optional
        Variance components to hold fixed, in the order of `levels`, instead of estimating them.

    Raises
    ------
    InputError
        On a rank-deficient design, too few effects or studies, or a covariance that is not positive definite.
    NumericalError
        If the likelihood could not be maximised.
    """
    task = problem(table, x, levels=levels, method=method)
    components = maximise(task, len(levels)) if sigma2 is None else _given(sigma2, levels)
    fit = task.at(components)
    by_study: dict[int, Array] = {}
    for part in task.parts:
        by_study.update(zip(part.rows[:, 0].tolist(), part.marginal(components), strict=True))
    return Multilevel(
        method=method,
        beta=fit.beta,
        se=np.sqrt(np.diag(fit.vcov)),
        vcov=fit.vcov,
        sigma2={level: float(c) for level, c in zip(levels, components, strict=True)},
        loglik=fit.value,
        blocks=tuple(by_study[start] for start in table.starts.tolist()),
        design=task.x,
        residual=table.y - task.x @ fit.beta,
    )


def component_interval(
    table: EffectTable,
    x: ArrayLike | None = None,
    *,
    component: Level,
    levels: Sequence[Level] = DEFAULT_LEVELS,
    method: Method = "REML",
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the profile-likelihood confidence interval of one variance component, truncated at zero.

    Parameters
    ----------
    table, x, levels, method
        As for `multilevel`.
    component : {"study", "sample", "effect"}
        Which component; the others are maximised over.
    confidence : float
        Confidence level.

    Raises
    ------
    InputError
        As for `multilevel`; a component that is not among the levels.
    NumericalError
        If no upper limit was found.
    """
    if component not in levels:
        raise bad("component", "", f"{component!r} is not among the levels {list(levels)}", "Name one of them.")
    index = list(levels).index(component)
    task = problem(table, x, levels=levels, method=method)
    if index in task.redundant:
        raise bad("component", "", f"{component!r} has the groups of an earlier level", "Leave one of the levels out.")
    best = maximise(task, len(levels))
    floor = task.at(best).value - 0.5 * float(special.chdtri(1, 1 - confidence))

    def excess(value: float) -> float:
        found = maximise(task, len(levels), start=best, fixed={index: value})
        return task.at(found).value - floor

    low = 0.0 if excess(0.0) >= 0 else float(optimize.brentq(excess, 0.0, best[index], xtol=1e-9))
    upper = max(float(best[index]), task.scale)
    while excess(upper) > 0:
        upper *= 2
        if upper > 1e6 * task.scale:
            raise NumericalError("no upper limit of the variance component was found")
    return low, float(optimize.brentq(excess, best[index], upper, xtol=1e-9))


def _given(sigma2: Sequence[float], levels: Sequence[Level]) -> Array:
    """Return checked fixed variance components."""
    components = np.asarray(sigma2, float)
    if components.shape != (len(levels),) or not (components >= 0).all():
        raise bad("sigma2", "", f"{list(sigma2)} is unusable", "Give one variance, not negative, for each level.")
    return components
