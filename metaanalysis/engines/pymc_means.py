"""The mean functions that have free shape parameters, as PyTensor expressions.

Each gives the same columns as the file of the same name under ``models/mean``, which a test holds it to. Exposures
and shape parameters broadcast: (K,) exposures with shape parameters of one leading axis give columns (n, K).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from metaanalysis.models.mean import gp, spline
from metaanalysis.models.mean_function import Range
from metaanalysis.models.model import Model

Tensor = Any  # PyTensor is not imported before it is needed
Form = Callable[[Tensor, Mapping[str, Tensor], Range], Sequence[Tensor]]


def _share(x: Tensor, exposure_range: Range) -> Tensor:
    """Return exposure as a share of its range."""
    low, high = exposure_range
    return (x - low) / (high - low)


def _above(x: Tensor, c: Tensor, exposure_range: Range) -> Tensor:
    """Return how far exposure lies above a threshold, as a share of the range."""
    import pytensor.tensor as pt

    return pt.maximum(x - c, 0.0) / (exposure_range[1] - exposure_range[0])


def _flat(x: Tensor, shape: Mapping[str, Tensor], exposure_range: Range) -> Sequence[Tensor]:
    """Return the column of `flat`."""
    return (1.0,)


def _linear(x: Tensor, shape: Mapping[str, Tensor], exposure_range: Range) -> Sequence[Tensor]:
    """Return the columns of `linear`."""
    return (1.0, _share(x, exposure_range))


def _saturating(x: Tensor, shape: Mapping[str, Tensor], exposure_range: Range) -> Sequence[Tensor]:
    """Return the columns of `saturating`."""
    import pytensor.tensor as pt

    return (1.0, -pt.expm1(-(x - exposure_range[0]) / shape["rate"]))


def _logistic(x: Tensor, shape: Mapping[str, Tensor], exposure_range: Range) -> Sequence[Tensor]:
    """Return the columns of `logistic`."""
    import pytensor.tensor as pt

    return (1.0, pt.sigmoid((x - shape["threshold"]) / shape["width"]))


def _kink(x: Tensor, shape: Mapping[str, Tensor], exposure_range: Range) -> Sequence[Tensor]:
    """Return the columns of `kink`."""
    return (1.0, _share(x, exposure_range), _above(x, shape["threshold"], exposure_range))


def _cliff(x: Tensor, shape: Mapping[str, Tensor], exposure_range: Range) -> Sequence[Tensor]:
    """Return the columns of `cliff`, for a threshold that stays between two neighbouring exposures."""
    import pytensor.tensor as pt

    c = shape["threshold"]
    jump = pt.cast(pt.gt(x, c), "float64")
    return (1.0, _share(x, exposure_range), jump, _above(x, c, exposure_range))


def _spline(x: Tensor, shape: Mapping[str, Tensor], exposure_range: Range) -> Sequence[Tensor]:
    """Return the columns of `spline`: the line, and the modes of a free-free beam, weighted."""
    import pytensor.tensor as pt

    s = _share(x, exposure_range)
    roots = spline.wave_numbers()
    weights = roots**-2 / np.sqrt((roots**-4).sum())
    waves = []
    for b, weight in zip(roots, weights, strict=True):
        ratio = (np.cosh(b) - np.cos(b)) / (np.sinh(b) - np.sin(b))
        growing = (np.cos(b) - np.sin(b) - np.exp(-b)) / (np.sinh(b) - np.sin(b))
        falling = (1 + ratio) / 2 * pt.exp(-b * s)
        wave = growing / 2 * pt.exp(b * s) + falling + pt.cos(b * s) - ratio * pt.sin(b * s)
        waves.append(shape["amplitude"] * weight * wave)
    return (1.0, s, *waves)


def _gp(x: Tensor, shape: Mapping[str, Tensor], exposure_range: Range) -> Sequence[Tensor]:
    """Return the columns of `gp`, for one length scale: Matérn correlations with seven points, whitened."""
    import pytensor.tensor as pt
    from pytensor.tensor.linalg import cholesky, solve_triangular

    scale = shape["length_scale"].flatten()[0] / (exposure_range[1] - exposure_range[0])
    points = np.linspace(0.0, 1.0, gp.POINTS)

    def matern(distance: Tensor) -> Tensor:
        scaled = np.sqrt(5.0) * pt.abs(distance) / scale
        return (1 + scaled + scaled**2 / 3) * pt.exp(-scaled)

    root = cholesky(matern(points[:, None] - points) + gp.JITTER * np.eye(gp.POINTS))
    across = matern(points[:, None] - _share(x, exposure_range))
    waves = solve_triangular(root, across, lower=True)
    return (1.0, *(shape["amplitude"] * waves[j] for j in range(gp.POINTS)))


FORMS: Mapping[str, Form] = {
    "flat": _flat,
    "linear": _linear,
    "saturating": _saturating,
    "logistic": _logistic,
    "kink": _kink,
    "cliff": _cliff,
    "spline": _spline,
    "gp": _gp,
}


def contrast_rows(model: Model, x: Tensor, x0: Tensor, exposed: np.ndarray, shape: Mapping[str, Tensor]) -> Tensor:
    """Return the rows b(x) - b(x0) as a tensor (n, K, p).

    Parameters
    ----------
    model : Model
        A model whose mean function is among `FORMS`.
    x, x0 : (K,) tensor
        Exposures of the treated and of the reference arms; any number where the reference arm is unexposed.
    exposed : (K,) array
        One where the reference arm is exposed, zero elsewhere.
    shape : mapping of str to (n, 1) tensor
        Shape parameters.
    """
    import pytensor.tensor as pt

    form, exposure_range = FORMS[model.name], model.exposure_range
    treated, reference = form(x, shape, exposure_range), form(x0, shape, exposure_range)
    columns = [a - exposed * b for a, b in zip(treated, reference, strict=True)]
    lead = next(iter(shape.values())) if shape else pt.zeros((1, 1))
    full = pt.zeros_like(lead + pt.zeros(len(exposed)))
    return pt.stack([full + column for column in columns], axis=-1)
