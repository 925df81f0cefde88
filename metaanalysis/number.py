"""A result together with its numerical error."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """A computed value and a bound on, or standard error of, its numerical error.

    Attributes
    ----------
    value : float
        The result.
    error : float
        Absolute numerical error: the change at the last refinement for quadrature, the Monte Carlo standard
        error for sampling. Never the statistical uncertainty.
    """

    value: float
    error: float

    def __float__(self) -> float:
        return self.value

    def __sub__(self, other: "Number") -> "Number":
        return Number(self.value - other.value, self.error + other.error)

    def __str__(self) -> str:
        return f"{self.value:.6g} ± {self.error:.1g}"
