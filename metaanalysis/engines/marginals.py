"""Posterior distributions of single quantities: mixtures of normals, constants, and averages over models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from metaanalysis.engines.engine import Marginal

Array = NDArray[np.float64]
CHUNK = 1_000_000
COMPRESSED = 1000  # mixtures with more components are compressed before a band is computed


def average(weights: Array, values: Array) -> Array:
    """Return weighted sums over the first axis; not by BLAS, whose threads cost more than such sums are worth."""
    return np.asarray(np.einsum("n,n...->...", weights, values))


def mixture_quantiles(weights: Array, means: Array, sds: Array, p: Array) -> Array:
    """Return quantiles of finite mixtures of normals by safeguarded Newton steps.

    Parameters
    ----------
    weights : (N,) array
        Weights, summing to one.
    means, sds : (N, G) array
        Components of G mixtures.
    p : (P,) array
        Probabilities.

    Returns
    -------
    (P, G) array
    """
    out = np.empty((p.size, means.shape[1]))
    step = max(1, CHUNK // max(len(weights), 1))
    for start in range(0, means.shape[1], step):
        part = slice(start, start + step)
        for i, probability in enumerate(p):
            out[i, part] = _quantile(weights, means[:, part], sds[:, part], float(probability))
    return out


def _quantile(weights: Array, means: Array, sds: Array, p: float) -> Array:
    """Return one quantile of each mixture."""
    if p <= 0 or p >= 1:
        return np.full(means.shape[1], -np.inf if p <= 0 else np.inf)
    centre = average(weights, means)
    spread = np.sqrt(np.maximum(average(weights, sds**2 + (means - centre) ** 2), 1e-300))
    reach = ndtri(p) * sds
    low, high = (means + reach).min(axis=0), (means + reach).max(axis=0)
    value = np.clip(centre + ndtri(p) * spread, low, high)
    scale = 1.0 / np.maximum(sds, 1e-12 * spread)
    for _ in range(100):
        z = (value - means) * scale
        excess = average(weights, ndtr(z)) - p
        high = np.where(excess >= 0, np.minimum(high, value), high)
        low = np.where(excess <= 0, np.maximum(low, value), low)
        slope = average(weights, np.exp(-0.5 * z * z) * scale) / np.sqrt(2 * np.pi)
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = value - excess / slope
        inside = np.isfinite(moved) & (moved > low) & (moved < high)
        moved = np.where(inside, moved, (low + high) / 2)
        if np.all(np.abs(moved - value) <= 1e-10 * spread):
            return moved
        value = moved
    return value


def compress(weights: Array, means: Array, variances: Array, *, step: float = 0.05) -> tuple[Array, Array, Array]:
    """Return a mixture of few normals with the same weight, mean and variance, close in distribution.

    Each component is shared linearly between the four nearest points of a lattice of variances (`step` apart in the
    logarithm) and means (`step` standard deviations apart); the variance that sharing a mean adds is first taken off.
    Quantiles move by less than about a ten-thousandth of a standard deviation.

    Parameters
    ----------
    weights, means, variances : (N,) array
        Components; variances below a ten-thousandth of their average are raised to it.

    Returns
    -------
    weights, means, sds : (M,) array
    """
    smallest = 1e-4 * float(np.average(variances, weights=weights))
    variances = np.maximum(variances, max(smallest, 1e-300))
    floor, low = float(variances.min()) * (1 - step**2), float(means.min())
    ratio = np.exp(step)
    lattice = floor * ratio ** np.arange(int(np.log(variances.max() / floor) / step) + 3)
    spacing = step * np.sqrt(lattice)
    counts = ((means.max() - low) / spacing).astype(np.intp) + 3
    offsets = np.concatenate([[0], np.cumsum(counts)])
    total = np.zeros(offsets[-1])
    row = (np.log(variances / floor) / step).astype(np.intp)
    share = (means - low) / spacing[row]
    share -= np.floor(share)
    reduced = np.maximum(variances - share * (1 - share) * spacing[row] ** 2, floor)
    row = np.maximum((np.log(reduced / floor) / step).astype(np.intp), 0)
    upper = np.clip((reduced - lattice[row]) / (lattice[row + 1] - lattice[row]), 0.0, 1.0)
    for k, part in ((row, weights * (1 - upper)), (row + 1, weights * upper)):
        place = (means - low) / spacing[k]
        column = place.astype(np.intp)
        right = place - column
        index = offsets[k] + column
        total += np.bincount(index, part * (1 - right), minlength=total.size)
        total += np.bincount(index + 1, part * right, minlength=total.size)
    used = np.flatnonzero(total)
    k = np.searchsorted(offsets, used, side="right") - 1
    return total[used], low + (used - offsets[k]) * spacing[k], np.sqrt(lattice[k])


def band(weights: Array, means: Array, sds: Array, level: float) -> tuple[Array, Array]:
    """Return the ends (G,) of equal-tailed intervals of G mixtures, large mixtures compressed first.

    Parameters
    ----------
    weights : (N,) array
        Weights, summing to one.
    means, sds : (N, G) array
        Components.
    level : float
        Probability of the intervals.
    """
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if len(weights) <= COMPRESSED or sds.min() <= 0:
        lower, upper = mixture_quantiles(weights, means, sds, tails)
        return lower, upper
    ends = np.empty((2, means.shape[1]))
    for g in range(means.shape[1]):
        few, centres, spreads = compress(weights, means[:, g], sds[:, g] ** 2)
        ends[:, g] = mixture_quantiles(few, centres[:, None], spreads[:, None], tails)[:, 0]
    return ends[0], ends[1]


@dataclass(frozen=True, slots=True, eq=False)
class MixtureMarginal:
    """A finite mixture of normals.

    Attributes
    ----------
    weights, means, sds : (N,) array
        Components; a component may have sd zero.
    error : float
        Bound on the numerical error of a probability.
    """

    weights: Array
    means: Array
    sds: Array
    error: float

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(average(self.weights, self.means))

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""
        return float(np.sqrt(average(self.weights, self.sds**2 + (self.means - self.mean) ** 2)))

    def compressed(self) -> "MixtureMarginal":
        """Return the mixture with fewer components, its quantiles moved by less than 0.001 sd, if it has many."""
        if len(self.weights) <= COMPRESSED or self.sds.min() <= 0:
            return self
        return MixtureMarginal(*compress(self.weights, self.means, self.sds**2), self.error)

    def probability_below(self, value: ArrayLike) -> Array:
        """Return the posterior probability of a value at or below `value`."""
        at = np.asarray(value, float)
        flat = at.reshape(-1)
        scale = np.maximum(self.sds, 1e-300)
        z = np.where(self.sds > 0, (flat[:, None] - self.means) / scale, np.inf)
        z = np.where((self.sds == 0) & (flat[:, None] < self.means), -np.inf, z)
        return np.asarray(ndtr(z) @ self.weights).reshape(at.shape)

    def quantile(self, p: ArrayLike) -> Array:
        """Return posterior quantiles."""
        at = np.asarray(p, float)
        found = mixture_quantiles(self.weights, self.means[:, None], self.sds[:, None], at.reshape(-1))
        return found[:, 0].reshape(at.shape)

    def density(self, value: ArrayLike) -> Array:
        """Return the posterior density."""
        at = np.asarray(value, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (at.reshape(-1)[:, None] - self.means) / self.sds
            heights = np.exp(-0.5 * z * z) / (self.sds * np.sqrt(2 * np.pi))
        return np.asarray(np.nan_to_num(heights, posinf=np.inf) @ self.weights).reshape(at.shape)


@dataclass(frozen=True, slots=True, eq=False)
class PointMarginal:
    """A known constant."""

    mean: float
    sd: float = 0.0
    error: float = 0.0

    def probability_below(self, value: ArrayLike) -> Array:
        """Return one at or above the constant, zero below."""
        return np.where(np.asarray(value, float) >= self.mean, 1.0, 0.0)

    def quantile(self, p: ArrayLike) -> Array:
        """Return the constant."""
        return self.mean + 0.0 * np.asarray(p, float)

    def density(self, value: ArrayLike) -> Array:
        """Return infinity at the constant, zero elsewhere."""
        return np.where(np.asarray(value, float) == self.mean, np.inf, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class AverageMarginal:
    """A weighted average of distributions, such as the same quantity under several models.

    Attributes
    ----------
    weights : (M,) array
        Weights, summing to one.
    parts : sequence of Marginal
        The distributions.
    """

    weights: Array
    parts: Sequence[Marginal]

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(sum(w * part.mean for w, part in zip(self.weights, self.parts, strict=True)))

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""
        centre = self.mean
        pairs = zip(self.weights, self.parts, strict=True)
        return float(np.sqrt(sum(w * (part.sd**2 + (part.mean - centre) ** 2) for w, part in pairs)))

    @property
    def error(self) -> float:
        """Bound on the numerical error of a probability, weights taken as exact."""
        return float(sum(w * part.error for w, part in zip(self.weights, self.parts, strict=True)))

    def probability_below(self, value: ArrayLike) -> Array:
        """Return the posterior probability of a value at or below `value`."""
        parts = [w * part.probability_below(value) for w, part in zip(self.weights, self.parts, strict=True)]
        return np.asarray(sum(parts))

    def quantile(self, p: ArrayLike) -> Array:
        """Return posterior quantiles, by bisection: the lowest value with at least that probability below."""
        at = np.asarray(p, float)
        wanted = at.reshape(-1)
        own = np.stack([part.quantile(wanted) for w, part in zip(self.weights, self.parts, strict=True) if w > 0])
        low, high = own.min(axis=0), own.max(axis=0)
        low = low - 1e-9 * (1 + np.abs(low))
        for _ in range(60):
            middle = (low + high) / 2
            above = self.probability_below(middle) >= wanted
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray(high).reshape(at.shape)

    def density(self, value: ArrayLike) -> Array:
        """Return the posterior density."""
        parts = [w * part.density(value) for w, part in zip(self.weights, self.parts, strict=True) if w > 0]
        return np.asarray(sum(parts))
