"""Deterministic quadrature: Gauss–Legendre on panels, and the trapezoidal rule for heterogeneity.

A heterogeneity standard deviation is integrated over t with tau = a sinh t. For priors that are even in tau the
integrand is an even analytic function of t, whose singularities (at tau = ± i times a standard error or the scale of a
half-Cauchy) all come to lie at Im t = ± pi/2; the trapezoidal rule then converges geometrically, whatever the ratio
of the smallest to the largest standard error (Trefethen & Weideman 2014, SIAM Review 56:385–458, section 5).
Other priors use tau = exp(t), or Gauss–Legendre where the prior ends abruptly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
from numpy.polynomial import legendre as series
from numpy.typing import NDArray

from metaanalysis.models.priors import Prior

Array = NDArray[np.float64]
TAIL = 1e-14
NEGLIGIBLE = 23.0  # e^-23 is 1e-10: what lies below that, relative to the mode, is left out


@cache
def legendre(order: int) -> tuple[Array, Array]:
    """Return nodes and weights of the Gauss–Legendre rule on [-1, 1]."""
    nodes, weights = series.leggauss(order)
    return nodes, weights


def panel_nodes(lower: Array, upper: Array, order: int) -> tuple[Array, Array]:
    """Return nodes and weights of a Gauss–Legendre rule on each panel, both (P, order)."""
    nodes, weights = legendre(order)
    half = (upper - lower)[:, None] / 2
    return (upper + lower)[:, None] / 2 + half * nodes, half * weights


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A change of variable: parameter to t and back, and the log derivative of the parameter in t."""

    forward: Callable[[Array], Array]
    backward: Callable[[Array], Array]
    log_slope: Callable[[Array], Array]


def linear_coordinate() -> Coordinate:
    """Return t = parameter."""
    return Coordinate(lambda v: v, lambda t: t, np.zeros_like)


def log_coordinate() -> Coordinate:
    """Return t = log parameter."""
    return Coordinate(lambda v: np.log(np.maximum(v, 1e-300)), np.exp, lambda t: t)


def sinh_coordinate(scale: float) -> Coordinate:
    """Return parameter = scale * sinh t."""

    def log_slope(t: Array) -> Array:
        return np.asarray(np.log(scale) + np.logaddexp(t, -t) - np.log(2))

    return Coordinate(lambda v: np.arcsinh(v / scale), lambda t: scale * np.sinh(t), log_slope)


def prior_coordinate(prior: Prior) -> Coordinate:
    """Return t = prior probability below the parameter."""
    return Coordinate(prior.cdf, prior.quantile, lambda t: -prior.log_density(prior.quantile(t)))


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Quadrature nodes along one axis: t, the parameter, and log weights including prior and Jacobian."""

    t: Array
    value: Array
    log_weight: Array


@dataclass(frozen=True, slots=True)
class Axis:
    """One heterogeneity parameter, or the scale of a Student-t prior, as an axis of the quadrature.

    Attributes
    ----------
    name : str
        Parameter.
    prior : Prior
        Its prior.
    rule : {"point", "trapezoid", "legendre"}
        Quadrature rule.
    coordinate : Coordinate
        Change of variable.
    lower, upper : float
        Interval in t.
    mirror : bool
        The integrand is even around t = 0, where the interval starts.
    intervals : int
        Number of intervals (trapezoid) or nodes (Legendre) at level 0.
    """

    name: str
    prior: Prior
    rule: Literal["point", "trapezoid", "legendre"]
    coordinate: Coordinate
    lower: float
    upper: float
    mirror: bool = False
    intervals: int = 16

    def count(self, level: int) -> int:
        """Return the number of intervals at a level of refinement, doubled every two levels."""
        return round(self.intervals * 2 ** (level / 2))

    def nodes(self, level: int) -> Nodes:
        """Return the nodes at a level of refinement."""
        if self.rule == "point":
            return Nodes(np.zeros(1), np.array([self.lower]), np.zeros(1))
        count = self.count(level)
        if self.rule == "legendre":
            grid, weights = panel_nodes(np.array([self.lower]), np.array([self.upper]), count)
            return self._weighted(grid[0], np.log(weights[0]))
        t = np.linspace(self.lower, self.upper, count + 1)
        weights = np.full(count + 1, (self.upper - self.lower) / count)
        weights[0] *= 0.5 if self.mirror and self.lower == 0 else 1.0
        return self._weighted(t, np.log(weights))

    def scan(self, count: int) -> Nodes:
        """Return equally spaced points for finding where the mass is; their weights only hold the Jacobian."""
        if self.rule == "point":
            return self.nodes(0)
        return self._weighted(np.linspace(self.lower, self.upper, count), np.zeros(count))

    def _weighted(self, t: Array, log_weight: Array) -> Nodes:
        """Return nodes with prior and Jacobian in their weights."""
        value = self.coordinate.backward(t)
        return Nodes(t, value, log_weight + self.prior.log_density(value) + self.coordinate.log_slope(t))


def make_axis(name: str, prior: Prior, scale: float) -> Axis:
    """Return the axis of a standard deviation whose likelihood varies on the given smallest scale."""
    low, high = prior.support
    if prior.fixed:
        return Axis(name, prior, "point", linear_coordinate(), low, high)
    top = float(prior.quantile(1 - TAIL)) if np.isinf(high) else high
    if prior.definition.even:
        coordinate = sinh_coordinate(scale)
        return Axis(name, prior, "trapezoid", coordinate, 0.0, float(coordinate.forward(np.array(top))), mirror=True)
    if np.isinf(high):
        bottom = max(float(prior.quantile(TAIL)), 1e-12 * scale)
        return Axis(name, prior, "trapezoid", log_coordinate(), np.log(bottom), np.log(top))
    coordinate = log_coordinate() if prior.family == "log_uniform" else sinh_coordinate(scale)
    lower, upper = coordinate.forward(np.array([low, high]))
    return Axis(name, prior, "legendre", coordinate, float(lower), float(upper))


def narrow(axis: Axis, grid: Array, profile: Array) -> Axis:
    """Return the axis cut to where `profile` (log, maximised over the other axes) is not negligible."""
    inside = np.flatnonzero(profile > profile.max() - NEGLIGIBLE)
    first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, len(grid) - 1)
    return replace(axis, lower=float(grid[first]), upper=float(grid[last]))


def resolve(axis: Axis, grid: Array, profile: Array) -> Axis:
    """Return the axis with as many intervals as the width of `profile` (a log density) asks for at level 0."""
    spacing = float(grid[1] - grid[0])
    bend = -(profile[2:] - 2 * profile[1:-1] + profile[:-2]) / spacing**2
    relevant = bend[profile[1:-1] > profile.max() - 8.0]
    sharpest = float(relevant.max()) if relevant.size else 0.0
    spread = 1.0 / np.sqrt(max(sharpest, (4.0 / (axis.upper - axis.lower)) ** 2))
    per_spread = 0.65 if axis.rule == "trapezoid" else 1.1
    count = int(np.ceil((axis.upper - axis.lower) / spread * per_spread))
    return replace(axis, intervals=int(np.clip(count, 5, 400)))
