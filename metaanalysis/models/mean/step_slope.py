"""A straight line with a jump at an unknown threshold."""

from collections.abc import Mapping

from metaanalysis.models.defaults import INTERCEPT, JUMP, SLOPE, THRESHOLD
from metaanalysis.models.mean_function import Array, MeanFunction, Range, share, stack


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1, x and 1(x > c): ``(..., K, p)``."""
    c = shape["threshold"][..., None]
    return stack(x, 1.0, share(x, exposure_range), x > c)


MEAN = MeanFunction(
    name="step_slope",
    says="steady returns plus a jump",
    family="discontinuous",
    coefficients=(
        INTERCEPT,
        SLOPE,
        JUMP,
    ),
    columns=columns,
    shapes=(THRESHOLD,),
    between_breaks="constant",
    jump="jump",
)
