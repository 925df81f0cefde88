"""A straight line: b(x) = (1, share of the range)."""

from collections.abc import Mapping

from metaanalysis.models.defaults import INTERCEPT, SLOPE
from metaanalysis.models.mean_function import Array, MeanFunction, Range, share, stack


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1 and x: ``(..., K, p)``."""
    return stack(x, 1.0, share(x, exposure_range))


MEAN = MeanFunction(
    name="linear",
    says="steady returns",
    family="smooth",
    coefficients=(
        INTERCEPT,
        SLOPE,
    ),
    columns=columns,
)
