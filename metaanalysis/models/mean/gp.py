"""A Gaussian process with a Matérn covariance (smoothness 5/2) and unknown length scale and amplitude.

The process is held at seven equally spaced points of the range and takes its conditional mean between them (the
subset-of-regressors model: Quiñonero-Candela & Rasmussen 2005, J. Mach. Learn. Res. 6:1939–1959): half-way between two
points 5 % of the variance is lost at the shortest length scale, next to nothing at the others.
"""

from collections.abc import Mapping

import numpy as np

from metaanalysis.models.defaults import INTERCEPT, amplitude, length
from metaanalysis.models.mean_function import Array, Coefficient, MeanFunction, Range, share
from metaanalysis.models.priors import normal

POINTS = 7
JITTER = 1e-8
UNIT = normal(0.0, 1.0, reason="Standardised: the amplitude carries the size of the process.")
AMPLITUDE = amplitude(
    0.3,
    says="standard deviation of the curve around its intercept",
    reason="Curves that move by more than a factor of 1.8 (two sd) around their mean would be large.",
)
LENGTH = length(
    "length_scale",
    0.2,
    1.5,
    says="distance along the scale over which the curve keeps its value",
    reason="From bends within a fifth of the range to curves that are nearly straight over all of it.",
)


def matern(distance: Array) -> Array:
    """Return the Matérn correlation of smoothness 5/2 at distances in units of the length scale."""
    scaled = np.sqrt(5.0) * np.abs(distance)
    return np.asarray((1 + scaled + scaled**2 / 3) * np.exp(-scaled))


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the column 1 and seven columns whose standard normal combination is the process: ``(..., K, p)``."""
    span = exposure_range[1] - exposure_range[0]
    scale = np.atleast_1d(shape["length_scale"] / span)
    distinct, index = np.unique(scale, return_inverse=True)
    points = np.linspace(0.0, 1.0, POINTS)
    known = matern((points[:, None] - points) / distinct[:, None, None]) + JITTER * np.eye(POINTS)
    across = matern((share(x, exposure_range)[:, None] - points) / distinct[:, None, None])
    roots = np.linalg.cholesky(known)
    waves = np.linalg.solve(roots, across.swapaxes(-1, -2)).swapaxes(-1, -2)[index.reshape(scale.shape)]
    full = np.concatenate([np.ones((*waves.shape[:-1], 1)), shape["amplitude"][..., None, None] * waves], axis=-1)
    return full if np.ndim(shape["length_scale"]) else full[0]


MEAN = MeanFunction(
    name="gp",
    says="any smooth curve: a Gaussian process",
    family="smooth",
    coefficients=(
        INTERCEPT,
        *(
            Coefficient(f"wave_{j + 1}", UNIT, "standardised component of the process", standardised=True)
            for j in range(POINTS)
        ),
    ),
    columns=columns,
    shapes=(LENGTH, AMPLITUDE),
)
