"""A change of slope at an unknown threshold, without a jump."""

from collections.abc import Mapping

import numpy as np

from metaanalysis.models.defaults import BEND, INTERCEPT, SLOPE, THRESHOLD
from metaanalysis.models.mean_function import Array, MeanFunction, Range, share, stack


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1, x and (x - c)₊: ``(..., K, p)``."""
    c = shape["threshold"][..., None]
    span = exposure_range[1] - exposure_range[0]
    return stack(x, 1.0, share(x, exposure_range), np.maximum(x - c, 0.0) / span)


MEAN = MeanFunction(
    name="kink",
    says="the slope changes at a threshold, without a jump",
    family="kink",
    coefficients=(
        INTERCEPT,
        SLOPE,
        BEND,
    ),
    columns=columns,
    shapes=(THRESHOLD,),
)
