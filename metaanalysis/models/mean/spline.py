"""A penalised cubic spline: a straight line plus a smooth departure from it.

The departure has the smoothing-spline prior, density proportional to exp(-∫ f'' ² / 2s²) (Wahba 1978, J. R. Stat.
Soc. B 40:364–372), written in the functions that diagonalise the penalty: the modes of a free-free beam, orthogonal to
straight lines, with weights falling as the inverse square of their wave number. Eight modes are kept; the others hold
0.2 % of the prior variance. The amplitude is the prior root-mean-square departure over the range.
"""

from collections.abc import Mapping

import numpy as np

from metaanalysis.models.defaults import INTERCEPT, SLOPE, amplitude
from metaanalysis.models.mean_function import Array, Coefficient, MeanFunction, Range, share, stack
from metaanalysis.models.priors import normal

MODES = 8
UNIT = normal(0.0, 1.0, reason="Standardised: the amplitude carries the size of the departure.")
AMPLITUDE = amplitude(
    0.2,
    says="root-mean-square departure from the straight line",
    reason="Departures from a line by more than a factor of 1.5 (two sd), on average over the scale, would be large.",
)


def wave_numbers() -> Array:
    """Return the roots of cosh b cos b = 1, from the first on, by Newton steps from their asymptotes."""
    b: Array = (np.arange(1, MODES + 1, dtype=np.float64) + 0.5) * np.pi
    for _ in range(20):
        b -= (np.cos(b) - 1 / np.cosh(b)) / (-np.sin(b) + np.tanh(b) / np.cosh(b))
    return b


def modes(s: Array) -> Array:
    """Return the modes at shares `s` (K,) of the range, each with mean square one: ``(K, MODES)``."""
    b = wave_numbers()
    at = np.asarray(s, float)[:, None] * b
    ratio = (np.cosh(b) - np.cos(b)) / (np.sinh(b) - np.sin(b))
    # cosh - ratio * sinh, without the cancellation of two large numbers
    growing = (np.cos(b) - np.sin(b) - np.exp(-b)) / (np.sinh(b) - np.sin(b))
    return np.asarray(growing / 2 * np.exp(at) + (1 + ratio) / 2 * np.exp(-at) + np.cos(at) - ratio * np.sin(at))


def columns(x: Array, shape: Mapping[str, Array], exposure_range: Range) -> Array:
    """Return the columns 1, x and the weighted modes times the amplitude: ``(..., K, p)``."""
    weights = wave_numbers() ** -2
    weights = weights / np.sqrt((weights**2).sum())
    s = share(x, exposure_range)
    waves = modes(s) * weights
    size = shape["amplitude"][..., None]
    return stack(x, 1.0, s, *(size * waves[:, j] for j in range(MODES)))


MEAN = MeanFunction(
    name="spline",
    says="any smooth curve: a line and a penalised departure from it",
    family="smooth",
    coefficients=(
        INTERCEPT,
        SLOPE,
        *(
            Coefficient(f"wave_{j + 1}", UNIT, "standardised mode of the departure from the line", standardised=True)
            for j in range(MODES)
        ),
    ),
    columns=columns,
    shapes=(AMPLITUDE,),
)
