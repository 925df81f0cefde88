"""Default priors that several mean functions share, for effects on the log-ratio scale."""

from metaanalysis.models.mean_function import Coefficient, Range, Shape
from metaanalysis.models.priors import Prior, half_normal, log_uniform, normal, uniform

INTERCEPT = Coefficient(
    "intercept",
    normal(0.0, 0.5, reason="Average gains or losses beyond a factor of 2.7 (two sd) would be extraordinary."),
    "effect at the low end of the exposure range",
)
SLOPE = Coefficient(
    "slope",
    normal(
        0.0,
        0.5,
        reason="Over the whole range practice may multiply productivity by up to about 2.7, or divide it.",
    ),
    "change of the effect over the whole exposure range",
)
JUMP = Coefficient(
    "jump",
    normal(
        0.0,
        0.5,
        reason="Same width as a slope over the whole range, so that neither shape is favoured; either sign.",
    ),
    "jump of the effect at the threshold",
)
RISE = Coefficient(
    "rise",
    normal(0.0, 0.5, reason="Same width as a jump: the logistic becomes the step as its width goes to zero."),
    "total change of the effect along the curve",
)
BEND = Coefficient(
    "bend",
    normal(0.0, 0.5, reason="Same width as a slope over the whole range; either sign."),
    "change of slope at the threshold, per whole exposure range",
)


def _threshold(exposure_range: Range) -> Prior:
    """Return the default prior of a threshold."""
    return uniform(*exposure_range, reason="No position on the exposure scale is favoured.")


def length(name: str, smallest: float, largest: float, *, says: str, reason: str) -> Shape:
    """Return a length along the exposure axis, log-uniform between two shares of its range."""

    def prior(exposure_range: Range) -> Prior:
        span = exposure_range[1] - exposure_range[0]
        return log_uniform(smallest * span, largest * span, reason=reason)

    return Shape(name, "scale", prior, says)


def amplitude(scale: float, *, says: str, reason: str) -> Shape:
    """Return a standard deviation of the curve, half-normal with the given scale."""

    def prior(_: Range) -> Prior:
        return half_normal(scale, reason=reason)

    return Shape("amplitude", "amplitude", prior, says)


THRESHOLD = Shape("threshold", "threshold", _threshold, "exposure at which the curve changes")
