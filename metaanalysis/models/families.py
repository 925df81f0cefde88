"""The distributions a prior may have: parameters, density, distribution function, quantiles.

Each family is a record of plain functions of the point and the parameters; `priors.Prior` gives them a face.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Parameters = Mapping[str, float]
LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class Family:
    """One distribution.

    Attributes
    ----------
    parameters : tuple of str
        Names of the parameters, all required.
    positive : tuple of str
        Those that must be above zero.
    scales : tuple of str
        Those multiplied when the prior is made wider (the distribution of a multiple of the variable).
    log_density, cdf, quantile : callables of (point, parameters)
        Density including its constant; zero density is ``-inf``.
    support : callable of parameters
        Lowest and highest possible value.
    even : bool
        The density continues to an even analytic function around zero, as a half-normal's does.
    """

    parameters: tuple[str, ...]
    positive: tuple[str, ...]
    scales: tuple[str, ...]
    log_density: Callable[[Array, Parameters], Array]
    cdf: Callable[[Array, Parameters], Array]
    quantile: Callable[[Array, Parameters], Array]
    support: Callable[[Parameters], tuple[float, float]]
    even: bool = False


def _real(_: Parameters) -> tuple[float, float]:
    """Return the whole real line."""
    return (-np.inf, np.inf)


def _half(_: Parameters) -> tuple[float, float]:
    """Return the positive half line."""
    return (0.0, np.inf)


def _bounds(p: Parameters) -> tuple[float, float]:
    """Return the two bounds that are parameters."""
    return (p["lower"], p["upper"])


def _within(x: Array, inside: NDArray[np.bool_], log_density: Array | float) -> Array:
    """Return the log density inside the support and -inf outside."""
    return np.where(inside, log_density, -np.inf) + 0.0 * x


def _t_log(z: Array, df: float) -> Array:
    """Log density of Student's t with unit scale."""
    constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * np.log(df * np.pi)
    return np.asarray(constant - (df + 1) / 2 * np.log1p(z * z / df))


def _normal() -> Family:
    return Family(
        ("mean", "sd"),
        ("sd",),
        ("mean", "sd"),
        lambda x, p: -0.5 * LOG_2PI - np.log(p["sd"]) - 0.5 * ((x - p["mean"]) / p["sd"]) ** 2,
        lambda x, p: special.ndtr((x - p["mean"]) / p["sd"]),
        lambda q, p: p["mean"] + p["sd"] * special.ndtri(q),
        _real,
    )


def _student_t() -> Family:
    return Family(
        ("df", "mean", "scale"),
        ("df", "scale"),
        ("mean", "scale"),
        lambda x, p: _t_log((x - p["mean"]) / p["scale"], p["df"]) - np.log(p["scale"]),
        lambda x, p: special.stdtr(p["df"], (x - p["mean"]) / p["scale"]),
        lambda q, p: p["mean"] + p["scale"] * special.stdtrit(p["df"], q),
        _real,
    )


def _half_normal() -> Family:
    return Family(
        ("scale",),
        ("scale",),
        ("scale",),
        lambda x, p: _within(x, x >= 0, np.log(2 / p["scale"]) - 0.5 * LOG_2PI - 0.5 * (x / p["scale"]) ** 2),
        lambda x, p: np.maximum(0.0, special.erf(x / (p["scale"] * np.sqrt(2)))),
        lambda q, p: p["scale"] * special.ndtri((1 + q) / 2),
        _half,
        even=True,
    )


def _half_t() -> Family:
    return Family(
        ("df", "scale"),
        ("df", "scale"),
        ("scale",),
        lambda x, p: _within(x, x >= 0, np.log(2 / p["scale"]) + _t_log(x / p["scale"], p["df"])),
        lambda x, p: np.maximum(0.0, 2 * special.stdtr(p["df"], x / p["scale"]) - 1),
        lambda q, p: p["scale"] * special.stdtrit(p["df"], (1 + q) / 2),
        _half,
        even=True,
    )


def _half_cauchy() -> Family:
    return Family(
        ("scale",),
        ("scale",),
        ("scale",),
        lambda x, p: _within(x, x >= 0, np.log(2 / (np.pi * p["scale"])) - np.log1p((x / p["scale"]) ** 2)),
        lambda x, p: np.maximum(0.0, 2 / np.pi * np.arctan(x / p["scale"])),
        lambda q, p: p["scale"] * np.tan(np.pi / 2 * q),
        _half,
        even=True,
    )


def _uniform() -> Family:
    return Family(
        ("lower", "upper"),
        (),
        ("lower", "upper"),
        lambda x, p: _within(x, (x >= p["lower"]) & (x <= p["upper"]), -np.log(p["upper"] - p["lower"])),
        lambda x, p: np.clip((x - p["lower"]) / (p["upper"] - p["lower"]), 0, 1),
        lambda q, p: p["lower"] + q * (p["upper"] - p["lower"]),
        _bounds,
    )


def _log_uniform() -> Family:
    def log_density(x: Array, p: Parameters) -> Array:
        safe = np.maximum(x, np.finfo(float).tiny)
        inside = (x >= p["lower"] * (1 - 1e-14)) & (x <= p["upper"] * (1 + 1e-14))
        return _within(x, inside, -np.log(safe) - np.log(np.log(p["upper"] / p["lower"])))

    def cdf(x: Array, p: Parameters) -> Array:
        inside = np.clip(x, p["lower"], p["upper"])
        return np.asarray(np.log(inside / p["lower"]) / np.log(p["upper"] / p["lower"]))

    return Family(
        ("lower", "upper"),
        ("lower", "upper"),
        ("lower", "upper"),
        log_density,
        cdf,
        lambda q, p: p["lower"] * (p["upper"] / p["lower"]) ** q,
        _bounds,
    )


def _gamma() -> Family:
    def log_density(x: Array, p: Parameters) -> Array:
        safe, a, r = np.maximum(x, np.finfo(float).tiny), p["shape"], p["rate"]
        value = a * np.log(r) - special.gammaln(a) + (a - 1) * np.log(safe) - r * safe
        return _within(x, x > 0, value)

    # A gamma is widened by dividing its rate; `scales` multiplies, so the rate is handled in `priors.Prior.widened`.
    return Family(
        ("shape", "rate"),
        ("shape", "rate"),
        (),
        log_density,
        lambda x, p: special.gammainc(p["shape"], p["rate"] * np.maximum(x, 0)),
        lambda q, p: special.gammaincinv(p["shape"], q) / p["rate"],
        _half,
    )


def _inverse_gamma() -> Family:
    def log_density(x: Array, p: Parameters) -> Array:
        safe, a, s = np.maximum(x, 1e-300), p["shape"], p["scale"]
        value = a * np.log(s) - special.gammaln(a) - (a + 1) * np.log(safe) - s / safe
        return _within(x, x > 0, value)

    return Family(
        ("shape", "scale"),
        ("shape", "scale"),
        ("scale",),
        log_density,
        lambda x, p: special.gammaincc(p["shape"], p["scale"] / np.maximum(x, 1e-300)),
        lambda q, p: p["scale"] / special.gammainccinv(p["shape"], q),
        _half,
    )


def _point() -> Family:
    return Family(
        ("value",),
        (),
        ("value",),
        lambda x, p: np.where(x == p["value"], 0.0, -np.inf),
        lambda x, p: np.where(x >= p["value"], 1.0, 0.0),
        lambda q, p: p["value"] + 0.0 * q,
        lambda p: (p["value"], p["value"]),
    )


def _flat() -> Family:
    return Family(
        (),
        (),
        (),
        lambda x, p: 0.0 * x,
        lambda x, p: np.nan * x,
        lambda q, p: np.nan * q,
        _real,
    )


FAMILIES: Mapping[str, Family] = {
    "normal": _normal(),
    "student_t": _student_t(),
    "half_normal": _half_normal(),
    "half_t": _half_t(),
    "half_cauchy": _half_cauchy(),
    "uniform": _uniform(),
    "log_uniform": _log_uniform(),
    "gamma": _gamma(),
    "inverse_gamma": _inverse_gamma(),
    "point": _point(),
    "flat": _flat(),
}
