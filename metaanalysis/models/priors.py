"""Priors, each with a written reason.

In an analysis file a prior reads ``{family = "half_normal", scale = 0.3, reason = "…"}``; in code it is made by one
of the constructors below.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.errors import bad
from metaanalysis.models.families import FAMILIES, Family

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior distribution of one parameter.

    Attributes
    ----------
    family : str
        One of ``metaanalysis.models.families.FAMILIES``.
    parameters : tuple of (name, value)
        Parameters in the order of the family.
    reason : str
        Why this prior: one sentence, shown in every report beside the prior.
    """

    family: str
    parameters: tuple[tuple[str, float], ...]
    reason: str

    @property
    def definition(self) -> Family:
        """The functions of the family."""
        return FAMILIES[self.family]

    @property
    def values(self) -> dict[str, float]:
        """Parameters as a mapping."""
        return dict(self.parameters)

    @property
    def proper(self) -> bool:
        """Whether the prior integrates to one: evidence needs that."""
        return self.family != "flat"

    @property
    def fixed(self) -> bool:
        """Whether the parameter is a known constant."""
        return self.family == "point"

    @property
    def support(self) -> tuple[float, float]:
        """Lowest and highest possible value."""
        return self.definition.support(self.values)

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def log_density(self, x: ArrayLike) -> Array:
        """Return the log density at `x`, ``-inf`` outside the support."""
        return np.asarray(self.definition.log_density(np.asarray(x, float), self.values))

    def cdf(self, x: ArrayLike) -> Array:
        """Return the probability of a value at or below `x`; NaN for an improper prior."""
        return np.asarray(self.definition.cdf(np.asarray(x, float), self.values))

    def quantile(self, p: ArrayLike) -> Array:
        """Return the quantiles at probabilities `p`; NaN for an improper prior."""
        return np.asarray(self.definition.quantile(np.asarray(p, float), self.values))

    def widened(self, factor: float) -> "Prior":
        """Return the prior of `factor` times the variable: twice as wide for a factor of two."""
        values = self.values
        if self.family == "gamma":
            values["rate"] /= factor
        changed = {name: v * factor if name in self.definition.scales else v for name, v in values.items()}
        return Prior(self.family, tuple(changed.items()), self.reason)

    def to_mapping(self) -> dict[str, str | float]:
        """Return the prior as it is written in an analysis file."""
        return {"family": self.family, **self.values, "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.family}({', '.join(f'{name}={value:g}' for name, value in self.parameters)})"


def from_mapping(mapping: Mapping[str, object], *, where: str = "prior", field: str = "") -> Prior:
    """Return the prior that a mapping (from an analysis file) describes.

    Parameters
    ----------
    mapping : mapping
        ``family``, its parameters, and ``reason``.
    where, field : str
        File and field, for messages.

    Raises
    ------
    InputError
        On an unknown family, missing, unknown or impossible parameters, or a missing reason.
    """
    family = mapping.get("family")
    if not isinstance(family, str) or family not in FAMILIES:
        raise bad(where, field, f"the prior family {family!r} is unknown", f"Use one of {', '.join(FAMILIES)}.")
    reason = mapping.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise bad(where, field, "the prior has no reason", 'Add reason = "…": one sentence on why this prior.')
    definition = FAMILIES[family]
    given = {name: value for name, value in mapping.items() if name not in ("family", "reason")}
    wanted = ", ".join(definition.parameters) or "no parameter"
    unknown = sorted(set(given) - set(definition.parameters))
    if unknown:
        raise bad(where, field, f"{family} has no parameter {unknown[0]!r}", f"It takes {wanted}.")
    values: list[tuple[str, float]] = []
    for name in definition.parameters:
        value = given.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            problem = "is missing" if value is None else f"is {value!r}, not a finite number"
            raise bad(where, field, f"the parameter {name} of {family} {problem}", f"It takes {wanted}.")
        if name in definition.positive and value <= 0:
            raise bad(where, field, f"the parameter {name} of {family} is {value:g}", "Give a value above zero.")
        values.append((name, float(value)))
    bounds = dict(values)
    if "upper" in bounds and not bounds["lower"] < bounds["upper"]:
        raise bad(where, field, f"lower {bounds['lower']:g} is not below upper {bounds['upper']:g}", "Swap them.")
    return Prior(family, tuple(values), reason.strip())


def _prior(family: str, reason: str, **parameters: float) -> Prior:
    """Return a checked prior from keyword parameters."""
    return from_mapping({"family": family, "reason": reason, **parameters}, field=family)


def normal(mean: float, sd: float, *, reason: str) -> Prior:
    """Return a normal prior."""
    return _prior("normal", reason, mean=mean, sd=sd)


def student_t(df: float, mean: float, scale: float, *, reason: str) -> Prior:
    """Return a Student-t prior; one degree of freedom is a Cauchy."""
    return _prior("student_t", reason, df=df, mean=mean, scale=scale)


def half_normal(scale: float, *, reason: str) -> Prior:
    """Return a half-normal prior: the absolute value of a normal with mean zero and sd `scale`."""
    return _prior("half_normal", reason, scale=scale)


def half_cauchy(scale: float, *, reason: str) -> Prior:
    """Return a half-Cauchy prior with median `scale`."""
    return _prior("half_cauchy", reason, scale=scale)


def half_t(df: float, scale: float, *, reason: str) -> Prior:
    """Return a half-t prior: the absolute value of a Student t."""
    return _prior("half_t", reason, df=df, scale=scale)


def uniform(lower: float, upper: float, *, reason: str) -> Prior:
    """Return a uniform prior."""
    return _prior("uniform", reason, lower=lower, upper=upper)


def log_uniform(lower: float, upper: float, *, reason: str) -> Prior:
    """Return a prior uniform in the logarithm."""
    return _prior("log_uniform", reason, lower=lower, upper=upper)


def gamma(shape: float, rate: float, *, reason: str) -> Prior:
    """Return a gamma prior with mean shape / rate."""
    return _prior("gamma", reason, shape=shape, rate=rate)


def inverse_gamma(shape: float, scale: float, *, reason: str) -> Prior:
    """Return an inverse-gamma prior: scale over a gamma variable."""
    return _prior("inverse_gamma", reason, shape=shape, scale=scale)


def point(value: float, *, reason: str) -> Prior:
    """Return a point mass: the parameter is known."""
    return _prior("point", reason, value=value)


def flat(*, reason: str) -> Prior:
    """Return an improper flat prior: allowed for estimation, refused wherever evidence is asked for."""
    return _prior("flat", reason)
