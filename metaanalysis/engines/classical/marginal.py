"""The marginal normal likelihood of a multilevel meta-regression, study by study.

Studies with equally many effects are stacked, so that one call of LAPACK serves them all; cost is linear in the number
of studies. Nothing here knows how variance components are chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.errors import bad

Array = NDArray[np.float64]
Level = Literal["study", "sample", "effect"]
LEVELS: tuple[Level, ...] = ("study", "sample", "effect")


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The studies that have k effects each.

    Attributes
    ----------
    rows : (m, k) array of int
        Table rows of each study.
    s : (m, k, k) array
        Known sampling covariance.
    groups : tuple of (m, k, k) arrays
        Z_l Z_l′ of each level with a random effect.
    """

    rows: NDArray[np.intp]
    s: Array
    groups: tuple[Array, ...]

    def marginal(self, components: Array) -> Array:
        """Return the marginal covariance of each study, (m, k, k)."""
        return np.asarray(self.s + sum(c * z for c, z in zip(components, self.groups, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """The (restricted) log likelihood at one set of variance components.

    Attributes
    ----------
    value : float
        Log likelihood, constants included; the restricted one carries ½ log|X′X|.
    gradient : (levels,) array
        Its gradient in the variance components.
    beta : (p,) array
        Generalised least-squares coefficients.
    vcov : (p, p) array
        (X′V⁻¹X)⁻¹.
    """

    value: float
    gradient: Array
    beta: Array
    vcov: Array


def stacks(table: EffectTable, levels: Sequence[Level]) -> tuple[Stack, ...]:
    """Cut a table into stacks of equally large studies.

    Raises
    ------
    InputError
        If a level is unknown or repeated, or a sampling covariance is not positive definite.
    """
    if not set(levels) <= set(LEVELS) or len(set(levels)) < len(levels):
        raise bad("levels", "", f"{list(levels)} is unusable", f"Use each of {', '.join(LEVELS)} at most once.")
    sizes = np.array([len(block) for block in table.blocks])
    sample = np.unique(np.array(table.sample), return_inverse=True)[1]
    found = []
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        rows = table.starts[chosen][:, None] + np.arange(size)
        s = np.stack([table.blocks[i] for i in chosen])
        _require_positive_definite(table, s, chosen)
        shape = (len(chosen), int(size), int(size))
        products = {
            "study": np.ones(shape),
            "sample": (sample[rows][:, :, None] == sample[rows][:, None, :]).astype(float),
            "effect": np.broadcast_to(np.eye(size), shape),
        }
        found.append(Stack(rows, s, tuple(products[level] for level in levels)))
    return tuple(found)


def _require_positive_definite(table: EffectTable, s: Array, chosen: NDArray[np.intp]) -> None:
    """Refuse a study whose sampling covariance is not symmetric and positive definite."""
    scale = np.sqrt(np.maximum(np.einsum("mkk->mk", s), 0.0))
    smallest = np.zeros(len(s))
    positive = (scale > 0).all(axis=1)
    if positive.any():
        correlation = s[positive] / (scale[positive][:, :, None] * scale[positive][:, None, :])
        smallest[positive] = np.linalg.eigvalsh(correlation)[:, 0]
    asymmetric = np.abs(s - s.transpose(0, 2, 1)).max(axis=(1, 2)) > 1e-8 * scale.max(axis=1) ** 2
    wrong = np.flatnonzero((smallest < 1e-10) | asymmetric)
    if wrong.size:
        raise bad(
            table.name,
            table.studies[chosen[wrong[0]]],
            "the sampling covariance of its effects is not positive definite",
            "Lower the assumed correlation, or drop an effect that repeats another.",
        )


def likelihood(
    parts: Sequence[Stack], y: Array, x: Array, components: Array, *, restricted: bool, log_gram: float
) -> Likelihood:
    """Return the log likelihood at given variance components.

    Parameters
    ----------
    parts : sequence of Stack
        The table, cut by `stacks`.
    y : (K,) array
        Effects.
    x : (K, p) array
        Design matrix; p may be zero.
    components : (levels,) array
        Variance components.
    restricted : bool
        REML rather than ML.
    log_gram : float
        log|X′X|, used only if restricted.
    """
    k, p = x.shape
    information, cross, square, log_det = np.zeros((p, p)), np.zeros(p), 0.0, 0.0
    kept = []
    for part in parts:
        v = part.marginal(components)
        inverse = np.linalg.inv(v)
        log_det += float(np.linalg.slogdet(v)[1].sum())
        px, py = x[part.rows], y[part.rows]
        wx, wy = inverse @ px, (inverse @ py[..., None])[..., 0]
        information += np.tensordot(px, wx, axes=([0, 1], [0, 1]))
        cross += np.tensordot(wx, py, axes=([0, 1], [0, 1]))
        square += float(np.sum(py * wy))
        kept.append((inverse, wx, wy))
    vcov = np.linalg.inv(information)
    beta = vcov @ cross
    value = -0.5 * (k * np.log(2 * np.pi) + log_det + square - beta @ cross)
    if restricted:
        value += 0.5 * (p * np.log(2 * np.pi) + np.linalg.slogdet(vcov)[1] + log_gram)
    gradient = np.zeros(len(components))
    for part, (inverse, wx, wy) in zip(parts, kept, strict=True):
        residual = wy - wx @ beta
        for level, product in enumerate(part.groups):
            gradient[level] += np.sum(residual * (product @ residual[..., None])[..., 0]) - np.sum(inverse * product)
            if restricted:
                gradient[level] += np.sum(np.tensordot(wx, product @ wx, axes=([0, 1], [0, 1])) * vcov)
    return Likelihood(float(value), 0.5 * gradient, beta, vcov)
