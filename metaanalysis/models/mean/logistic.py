"""A smooth S-curve: b(x) = (1, 1 / (1 + exp(-(x - c) / w))), with the width w bounded away from zero.

The step is its limit for w to zero. The distance from 10 % to 90 % of the rise is 2 ln 9 w = 4.394 w.
"""

from collections.abc import Mapping

from scipy.special import expit

from metaanalysis.models.defaults import INTERCEPT, RISE, THRESHOLD, length
from metaanalysis.models.mean_function import Array, MeanFunction, Range, stack

WIDTH = length(
    "width",
    0.01,
    1.0,
    says="logistic scale w; 10 to 90 % of the rise takes 4.394 w",
    reason="Every order of magnitude from a near jump (a hundredth of the range) to a near line is as likely.",
)


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1 and the logistic curve: ``(..., K, p)``."""
    c, w = shape["threshold"][..., None], shape["width"][..., None]
    return stack(x, 1.0, expit((x - c) / w))


MEAN = MeanFunction(
    name="logistic",
    says="smooth S-curve",
    family="smooth",
    coefficients=(INTERCEPT, RISE),
    columns=columns,
    shapes=(THRESHOLD, WIDTH),
    between_breaks="layered",
)
