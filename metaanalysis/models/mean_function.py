"""What a mean function is, and how the folder of mean functions is read.

A mean function b(x) has one column per coefficient and possibly a few shape parameters (threshold, width, …) in
which it is not linear. Each lives in a file of its own under ``models/mean`` as the constant ``MEAN``; adding one is
adding a file.
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metaanalysis.errors import bad
from metaanalysis.models.priors import Prior

Array = NDArray[np.float64]
Range = tuple[float, float]
Columns = Callable[[Array, Mapping[str, Array], Range], Array]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One column of a mean function.

    Attributes
    ----------
    name : str
        For instance ``"slope"``.
    prior : Prior
        Default prior.
    says : str
        Meaning.
    standardised : bool
        Whether an amplitude among the shape parameters carries its size, so that wider priors widen that instead.
    """

    name: str
    prior: Prior
    says: str
    standardised: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape parameter.

    Attributes
    ----------
    name : str
        For instance ``"threshold"``.
    kind : {"threshold", "scale", "amplitude"}
        A position on the exposure axis, a length along it, or a standard deviation on the scale of the effect.
    prior : callable
        Exposure range to default prior.
    says : str
        Meaning.
    """

    name: str
    kind: Literal["threshold", "scale", "amplitude"]
    prior: Callable[[Range], Prior]
    says: str


@dataclass(frozen=True, slots=True)
class MeanFunction:
    """One member of the family.

    Attributes
    ----------
    name, says : str
        Name, and in one line what it says about the curve.
    family : {"smooth", "kink", "discontinuous", "apart"}
        What the package's question turns on is `discontinuous` against the first two; a member that is `apart` is
        compared with the others but counts for neither side.
    coefficients : tuple of Coefficient
        One per column; coefficients have normal priors.
    columns : callable (x, shape, exposure_range) -> array
        Columns at exposures `x` (K,) for shape parameters with any leading axes: ``(..., K, p)``.
    shapes : tuple of Shape
        Shape parameters.
    between_breaks : {"constant", "smooth", "layered"}
        How the columns vary with the threshold between neighbouring observed exposures: not at all, smoothly, or
        smoothly with layers as thin as the width beside each exposure.
    jump : str or None
        Name of the coefficient that is the jump at the threshold.
    """

    name: str
    says: str
    family: Literal["smooth", "kink", "discontinuous", "apart"]
    coefficients: tuple[Coefficient, ...]
    columns: Columns
    shapes: tuple[Shape, ...] = ()
    between_breaks: Literal["constant", "smooth", "layered"] = "smooth"
    jump: str | None = None

    @property
    def thresholds(self) -> tuple[Shape, ...]:
        """The shape parameters that are positions on the exposure axis."""
        return tuple(shape for shape in self.shapes if shape.kind == "threshold")

    def breaks(self, exposures: Array) -> Array:
        """Return where the likelihood is not smooth in the threshold: the observed exposures, sorted."""
        return np.unique(exposures[np.isfinite(exposures)]) if self.thresholds else np.empty(0)


@cache
def mean_function_names() -> tuple[str, ...]:
    """Return the names of all mean functions: the files of ``models/mean``."""
    package = import_module("metaanalysis.models.mean")
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__)))


def mean_function(name: str) -> MeanFunction:
    """Return a mean function by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in mean_function_names():
        raise bad(
            "model",
            "mean",
            f"there is no mean function {name!r}",
            f"Use one of {', '.join(mean_function_names())}.",
        )
    found = import_module(f"metaanalysis.models.mean.{name}").MEAN
    assert isinstance(found, MeanFunction)
    return found


def stack(x: Array, *columns: Array | NDArray[np.bool_] | float) -> Array:
    """Return columns, broadcast over the leading axes of the shape parameters, as ``(..., K, p)``."""
    return np.stack(np.broadcast_arrays(*columns, np.ones_like(x))[:-1], axis=-1).astype(float, copy=False)


def share(x: Array, exposure_range: Range) -> Array:
    """Return exposure as a share of its range: zero at the low end, one at the high end."""
    low, high = exposure_range
    return (x - low) / (high - low)
