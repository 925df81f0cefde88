"""Estimates with their sampling variances: what every formula of a measure returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.errors import bad

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Effects on the scale of a measure.

    Attributes
    ----------
    yi : (K,) array
        Estimates.
    vi : (K,) array
        Sampling variances.
    """

    yi: Array
    vi: Array

    @property
    def se(self) -> Array:
        """Standard errors, (K,)."""
        return np.sqrt(self.vi)

    def __len__(self) -> int:
        return int(self.yi.size)


def arrays(where: str, **values: ArrayLike) -> tuple[Array, ...]:
    """Return the arguments as equally long one-dimensional arrays of finite numbers.

    Parameters
    ----------
    where : str
        Name of the function called, for the message.
    **values : array_like
        Arguments by name; scalars are repeated.

    Raises
    ------
    InputError
        If lengths differ or a number is not finite.
    """
    converted = {name: np.atleast_1d(np.asarray(value, dtype=np.float64)) for name, value in values.items()}
    try:
        shape = np.broadcast_shapes(*(value.shape for value in converted.values()))
    except ValueError:
        sizes = ", ".join(f"{name} has {value.size}" for name, value in converted.items())
        raise bad(where, "", f"lengths differ: {sizes}", "Give one value per effect in each argument.") from None
    for name, value in converted.items():
        wrong = np.flatnonzero(~np.isfinite(value))
        if wrong.size:
            raise bad(where, name, f"value {wrong[0] + 1} is not a finite number", "Leave out or complete that effect.")
    return tuple(np.broadcast_to(value, shape).astype(np.float64) for value in converted.values())


def require(where: str, field: str, holds: NDArray[np.bool_], problem: str, remedy: str) -> None:
    """Refuse the first effect for which a condition on an argument does not hold.

    Raises
    ------
    InputError
        Naming the position of that effect.
    """
    wrong = np.flatnonzero(~holds)
    if wrong.size:
        raise bad(where, field, f"value {wrong[0] + 1} {problem}", remedy)
