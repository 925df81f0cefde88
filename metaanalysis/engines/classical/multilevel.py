"""Multilevel meta-regression with known sampling covariance: ML and REML.

y ~ N(Xβ, S + Σ_l σ_l² Z_l Z_l′), S block-diagonal by study, Z_l the grouping of level l nested inside studies
(study, sample, effect). Everything is computed study by study, so cost is linear in the number of studies.

References
----------
Konstantopoulos (2011), Res Synth Methods 2:61; Pustejovsky & Tipton (2022), Prev Sci 23:425 (the CHE working model).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, optimize, special

from metaanalysis.effects.table import EffectTable
from metaanalysis.errors import NumericalError, bad

Array = NDArray[np.float64]
Level = Literal["study", "sample", "effect"]


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
    sigma2 : mapping of level to float
        Variance component of each level.
    loglik : float
        Maximised (restricted) log likelihood, constants included.
    blocks : tuple of (k_s, k_s) arrays
        Fitted marginal covariance of each study.
    design : (K, p) array
    residual : (K,) array
    """

    method: str
    beta: Array
    se: Array
    vcov: Array
    sigma2: dict[str, float]
    loglik: float
    blocks: tuple[Array, ...]
    design: Array
    residual: Array

    def interval(self, level: float = 0.95) -> Array:
        """Return Wald confidence intervals, (p, 2)."""
        half = float(special.ndtri(0.5 + level / 2)) * self.se
        return np.stack([self.beta - half, self.beta + half], axis=1)

    def predict(self, x: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
        """Return the mean at design row `x` and the prediction interval of a new effect in a new study."""
        row = np.asarray(x, float)
        mean = float(row @ self.beta)
        spread = float(np.sqrt(row @ self.vcov @ row + sum(self.sigma2.values())))
        half = float(special.ndtri(0.5 + level / 2)) * spread
        return mean, mean - half, mean + half


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """One study's data: y, X, S and the group-membership products Z_l Z_l′."""

    y: Array
    x: Array
    s: Array
    groups: tuple[Array, ...]


def multilevel(
    table: EffectTable,
    x: ArrayLike | None = None,
    *,
    levels: Sequence[Level] = ("study", "effect"),
    method: Literal["ML", "REML"] = "REML",
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
        Levels that carry a random effect.
    method : {"ML", "REML"}
    sigma2 : sequence of float, optional
        Variance components to hold fixed, in the order of `levels`, instead of estimating them.

    Raises
    ------
    InputError
        On a rank-deficient design or too few effects.
    NumericalError
        If the likelihood could not be maximised.
    """
    design = np.ones((len(table), 1)) if x is None else np.asarray(x, float)
    if design.shape[0] != len(table) or np.linalg.matrix_rank(design) < design.shape[1]:
        raise bad(table.name, "x", "the design has the wrong length or dependent columns", "Drop a moderator.")
    if len(table) <= design.shape[1]:
        raise bad(table.name, "", "there are no more effects than coefficients", "Add effects or drop moderators.")
    studies = _split(table, design, levels)
    restricted = method == "REML"
    if sigma2 is None:
        components = _maximise(studies, design, len(levels), restricted=restricted)
    else:
        components = np.asarray(sigma2, float)
    value, _, beta, vcov = _likelihood(studies, components, restricted=restricted, gram=design.T @ design)
    return Multilevel(
        method=method,
        beta=beta,
        se=np.sqrt(np.diag(vcov)),
        vcov=vcov,
        sigma2={level: float(c) for level, c in zip(levels, components, strict=True)},
        loglik=value,
        blocks=tuple(_marginal(study, components) for study in studies),
        design=design,
        residual=table.y - design @ beta,
    )


def _split(table: EffectTable, design: Array, levels: Sequence[Level]) -> list[_Study]:
    """Cut the table into studies, with Z Z′ for each level."""
    studies = []
    for start, block in zip(table.starts, table.blocks, strict=True):
        rows = slice(int(start), int(start) + len(block))
        samples = np.array(table.sample[rows])
        products = {
            "study": np.ones((len(block), len(block))),
            "sample": (samples[:, None] == samples[None, :]).astype(float),
            "effect": np.eye(len(block)),
        }
        studies.append(_Study(table.y[rows], design[rows], block, tuple(products[level] for level in levels)))
    return studies


def _marginal(study: _Study, components: Array) -> Array:
    return np.asarray(study.s + sum(c * z for c, z in zip(components, study.groups, strict=True)))


def _likelihood(
    studies: list[_Study], components: Array, *, restricted: bool, gram: Array
) -> tuple[float, Array, Array, Array]:
    """Return log likelihood, its gradient in the components, β̂ and (X′WX)⁻¹."""
    p, levels = studies[0].x.shape[1], len(components)
    total, k, information, cross, square = 0.0, 0, np.zeros((p, p)), np.zeros(p), 0.0
    kept = []
    for study in studies:
        factor = linalg.cho_factor(_marginal(study, components), lower=True)
        wx, wy = linalg.cho_solve(factor, study.x), linalg.cho_solve(factor, study.y)
        total += 2 * float(np.log(np.diag(factor[0])).sum())
        information += study.x.T @ wx
        cross += study.x.T @ wy
        square += float(study.y @ wy)
        k += len(study.y)
        kept.append((factor, wx))
    vcov = np.linalg.inv(information)
    beta = vcov @ cross
    value = -0.5 * (k * np.log(2 * np.pi) + total + square - beta @ cross)
    if restricted:
        value += 0.5 * (p * np.log(2 * np.pi) + np.linalg.slogdet(vcov)[1] + np.linalg.slogdet(gram)[1])
    gradient = np.zeros(levels)
    for study, (factor, wx) in zip(studies, kept, strict=True):
        residual = linalg.cho_solve(factor, study.y - study.x @ beta)
        for level, product in enumerate(study.groups):
            gradient[level] += residual @ product @ residual - np.trace(linalg.cho_solve(factor, product))
            if restricted:
                gradient[level] += np.sum((wx.T @ product @ wx) * vcov)
    return float(value), 0.5 * gradient, beta, vcov


def _maximise(studies: list[_Study], design: Array, levels: int, *, restricted: bool) -> Array:
    """Maximise over variance components ≥ 0 from several starts; the best optimum counts."""
    gram = design.T @ design
    scale = float(np.var(np.concatenate([study.y for study in studies]))) + 1e-12

    def objective(scaled: Array) -> tuple[float, Array]:
        value, gradient, _, _ = _likelihood(studies, scaled * scale, restricted=restricted, gram=gram)
        return -value, -gradient * scale

    best: optimize.OptimizeResult | None = None
    starts = [np.full(levels, s) for s in (0.5, 0.05)] + [0.05 + 0.9 * np.eye(levels)[i] for i in range(levels)]
    for start in starts:
        result = optimize.minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1e4)] * levels,
            options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
        )
        if np.isfinite(result.fun) and (best is None or result.fun < best.fun):
            best = result
    if best is None:
        raise NumericalError("the likelihood of the variance components could not be maximised")
    return np.asarray(best.x * scale)
