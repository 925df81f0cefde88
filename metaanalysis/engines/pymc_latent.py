"""Exposures that are known up to a plausible range: which arms share one, and their variables."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.pymc_likelihoods import LatentExposure

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LatentArms:
    """The arms whose exposure is latent.

    Attributes
    ----------
    low, mode, high : (L,) array
        Range and coded value of each.
    arm : (2, K) array of int
        Which of them each row's treated and reference arm is; -1 where the exposure is known or there is none.
    known : (2, K) array
        The coded exposures, the range's low end where there is none.
    """

    low: Array
    mode: Array
    high: Array
    arm: NDArray[np.intp]
    known: Array

    def exposures(self, latent: Array) -> Array:
        """Return the exposures (2, N, K) of both arms for draws (N, L) of the latent ones."""
        if len(self.low) == 0:
            return np.repeat(self.known[:, None], len(latent), axis=1)
        spread = latent[:, np.maximum(self.arm, 0)].swapaxes(0, 1)
        return np.where(self.arm[:, None] >= 0, spread, self.known[:, None])


def latent_arms(table: EffectTable, likelihood: LatentExposure) -> LatentArms:
    """Return the arms with a range; arms of one study with the same value and range are one arm."""
    found: dict[tuple[str, float, float, float], int] = {}
    arm = np.full((2, len(table)), -1, dtype=np.intp)
    sides = (
        (table.x, likelihood.low, likelihood.high),
        (table.x0, likelihood.reference_low, likelihood.reference_high),
    )
    for side, (x, low, high) in enumerate(sides):
        lows, highs = (np.asarray(table.columns[name], float) for name in (low, high))
        for row in np.flatnonzero(np.isfinite(x) & (lows < highs)):
            key = (table.study[row], float(lows[row]), float(x[row]), float(highs[row]))
            arm[side, row] = found.setdefault(key, len(found))
    cells = np.array([key[1:] for key in found], float).reshape(-1, 3)
    known = np.stack([table.x, np.where(np.isfinite(table.x0), table.x0, table.exposure_range[0])])
    return LatentArms(cells[:, 0], cells[:, 1], cells[:, 2], arm, known)


def latent_variable(arms: LatentArms, likelihood: LatentExposure) -> Any:
    """Return the latent exposures (L,) as a variable of the PyMC model in context."""
    import pymc as pm
    import pytensor.tensor as pt

    latent = pm.Uniform("exposure", arms.low, arms.high, shape=len(arms.low))
    if likelihood.distribution == "triangular":
        # A peak at an end of the range leaves one slope only; the other is then out of play.
        rise = np.where(arms.mode > arms.low, arms.mode - arms.low, 1e-9)
        fall = np.where(arms.mode < arms.high, arms.high - arms.mode, 1e-9)
        height = pt.minimum((latent - arms.low) / rise, (arms.high - latent) / fall)
        pm.Potential("triangle", pt.log(2 * height).sum())
    return latent
