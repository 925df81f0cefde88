"""A straight line, a jump at an unknown threshold, and another slope above it."""

from collections.abc import Mapping

import numpy as np

from metaanalysis.models.defaults import BEND, INTERCEPT, JUMP, SLOPE, THRESHOLD
from metaanalysis.models.mean_function import Array, MeanFunction, Range, share, stack


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1, x, 1(x > c) and (x - c)₊: ``(..., K, p)``."""
    c = shape["threshold"][..., None]
    span = exposure_range[1] - exposure_range[0]
    return stack(x, 1.0, share(x, exposure_range), x > c, np.maximum(x - c, 0.0) / span)


MEAN = MeanFunction(
    name="cliff",
    says="a dip or slow rise, a jump, and a new slope above it",
    family="discontinuous",
    coefficients=(
        INTERCEPT,
        SLOPE,
        JUMP,
        BEND,
    ),
    columns=columns,
    shapes=(THRESHOLD,),
    jump="jump",
)
