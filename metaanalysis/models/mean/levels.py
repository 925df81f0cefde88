"""One mean per level: the three-level reading, with the bands 0–3.5, 3.5–6.5 and 6.5–10 of a scale from 0 to 10.

The means are a, a + g and a + 2g + d: a steady gain g from level to level, and on top of it the cliff
d = (third - second) - (second - first). An exposure equal to a boundary belongs to the level below.
"""

from collections.abc import Mapping

from metaanalysis.models.defaults import INTERCEPT, JUMP
from metaanalysis.models.mean_function import Array, Coefficient, MeanFunction, Range, Shape, stack
from metaanalysis.models.priors import Prior, normal, point

GAIN = Coefficient(
    "gain",
    normal(0.0, 0.25, reason="Two steps of this size span what a slope may over the whole range."),
    "change of the effect from one level to the next",
)
CLIFF = Coefficient(
    "cliff", JUMP.prior, "gain from the second to the third level beyond that from the first to the second"
)


def _boundary(name: str, share: float) -> Shape:
    """Return a boundary between levels, by default at a known share of the exposure range."""

    def prior(exposure_range: Range) -> Prior:
        low, high = exposure_range
        return point(low + share * (high - low), reason="The bands of the coding scheme.")

    return Shape(name, "threshold", prior, "boundary between levels")


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1, number of boundaries passed, and 1(x in the third level): ``(..., K, p)``."""
    second, third = x > shape["lower"][..., None], x > shape["upper"][..., None]
    return stack(x, 1.0, second.astype(float) + third, third)


MEAN = MeanFunction(
    name="levels",
    says="one mean per level of practice",
    family="apart",
    coefficients=(INTERCEPT, GAIN, CLIFF),
    columns=columns,
    shapes=(_boundary("lower", 0.35), _boundary("upper", 0.65)),
    between_breaks="constant",
)
