"""A jump at an unknown threshold and nothing else. An exposure equal to the threshold lies below it: 1(x > c)."""

from collections.abc import Mapping

from metaanalysis.models.defaults import INTERCEPT, JUMP, THRESHOLD
from metaanalysis.models.mean_function import Array, MeanFunction, Range, stack


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1 and 1(x > c): ``(..., K, p)``."""
    c = shape["threshold"][..., None]
    return stack(x, 1.0, x > c)


MEAN = MeanFunction(
    name="step",
    says="a jump and nothing else",
    family="discontinuous",
    coefficients=(
        INTERCEPT,
        JUMP,
    ),
    columns=columns,
    shapes=(THRESHOLD,),
    between_breaks="constant",
    jump="jump",
)
