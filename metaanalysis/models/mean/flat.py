"""No association with exposure: b(x) = 1."""

from collections.abc import Mapping

from metaanalysis.models.defaults import INTERCEPT
from metaanalysis.models.mean_function import Array, MeanFunction, Range, stack


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1: ``(..., K, p)``."""
    return stack(x, 1.0)


MEAN = MeanFunction(
    name="flat",
    says="practice does not matter",
    family="smooth",
    coefficients=(INTERCEPT,),
    columns=columns,
)
