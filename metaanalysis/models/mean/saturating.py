"""Diminishing returns: b(x) = (1, 1 - exp(-(x - low) / k)), with the exposure scale k unknown."""

from collections.abc import Mapping

import numpy as np

from metaanalysis.models.defaults import INTERCEPT, RISE, length
from metaanalysis.models.mean_function import Array, MeanFunction, Range, stack

RATE = length(
    "rate",
    0.05,
    2.0,
    says="exposure k after which 63 % of the rise is reached",
    reason="From saturating within a twentieth of the range to nearly straight over the whole of it.",
)


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1 and 1 - exp(-(x - low) / k): ``(..., K, p)``."""
    return stack(x, 1.0, -np.expm1(-(x - exposure_range[0]) / shape["rate"][..., None]))


MEAN = MeanFunction(
    name="saturating",
    says="diminishing returns",
    family="smooth",
    coefficients=(INTERCEPT, RISE),
    columns=columns,
    shapes=(RATE,),
)
