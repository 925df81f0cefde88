"""Posterior distributions known through draws, with Monte Carlo errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.number import Number

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DrawMarginal:
    """The posterior of one quantity through its draws.

    Attributes
    ----------
    values : (chains, draws) array
        Draws.
    support : (float, float)
        Lowest and highest possible value, at which the density estimate is reflected.
    """

    values: Array
    support: tuple[float, float] = (-np.inf, np.inf)

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.values.mean())

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""
        return float(self.values.std(ddof=1))

    @property
    def error(self) -> float:
        """Monte Carlo standard error of a probability, at most (that of one half)."""
        import arviz

        return float(0.5 / np.sqrt(arviz.ess(self.values, method="bulk")))

    @property
    def mean_number(self) -> Number:
        """Posterior mean with its Monte Carlo standard error."""
        return Number(self.mean, self._mcse("mean"))

    @property
    def sd_number(self) -> Number:
        """Posterior standard deviation with its Monte Carlo standard error."""
        return Number(self.sd, self._mcse("sd"))

    def quantile_number(self, p: float) -> Number:
        """Return a posterior quantile with its Monte Carlo standard error."""
        return Number(float(self.quantile(p)), self._mcse("quantile", prob=p))

    def _mcse(self, method: str, **options: float) -> float:
        """Return a Monte Carlo standard error."""
        import arviz

        return float(arviz.mcse(self.values, method=method, **options))

    def probability_below(self, value: ArrayLike) -> Array:
        """Return the posterior probability of a value at or below `value`."""
        ordered = np.sort(self.values, axis=None)
        return np.asarray(np.searchsorted(ordered, np.asarray(value, float), side="right") / ordered.size)

    def quantile(self, p: ArrayLike) -> Array:
        """Return posterior quantiles."""
        return np.asarray(np.quantile(self.values, np.asarray(p, float)))

    def density(self, value: ArrayLike) -> Array:
        """Return a kernel estimate of the posterior density (normal kernel, Silverman's bandwidth)."""
        at, draws = np.asarray(value, float), self.values.reshape(-1)
        quartiles = np.quantile(draws, [0.25, 0.75])
        spread = min(self.sd, float(quartiles[1] - quartiles[0]) / 1.349)
        width = 0.9 * (spread or self.sd or 1.0) * draws.size**-0.2
        low, high = self.support
        images = [draws, *(2 * end - draws for end in (low, high) if np.isfinite(end))]
        total = np.zeros(at.size)
        for image in images:
            z = (at.reshape(-1)[:, None] - image) / width
            total += np.exp(-0.5 * z * z).sum(axis=1)
        inside = (at >= low) & (at <= high)
        return np.asarray(np.where(inside, total.reshape(at.shape) / (draws.size * width * np.sqrt(2 * np.pi)), 0.0))
