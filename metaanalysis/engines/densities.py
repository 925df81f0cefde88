"""Posterior distributions known at quadrature nodes: the density between them, integrated panel by panel."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre as series
from numpy.typing import ArrayLike, NDArray
from scipy.special import sici

from metaanalysis.engines.quadrature import Coordinate, legendre, panel_nodes

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GridMarginal:
    """A density integrated between quadrature nodes, never from cumulated node weights.

    Attributes
    ----------
    coordinate : Coordinate
        Change of variable to t.
    lower, upper : float
        Interval of t.
    cumulative, slope : callables
        Distribution function and density in t.
    mean, sd : float
        Moments of the parameter.
    error : float
        Bound on the numerical error of a probability.
    """

    coordinate: Coordinate
    lower: float
    upper: float
    cumulative: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    mean: float
    sd: float
    error: float

    def probability_below(self, value: ArrayLike) -> Array:
        """Return the posterior probability of a value at or below `value`."""
        at = np.asarray(value, float)
        t = np.clip(self.coordinate.forward(at.reshape(-1)), self.lower, self.upper)
        return np.clip(self.cumulative(t), 0.0, 1.0).reshape(at.shape)

    def quantile(self, p: ArrayLike) -> Array:
        """Return posterior quantiles, by bisection in t."""
        at = np.asarray(p, float)
        wanted = at.reshape(-1)
        low, high = np.full(wanted.shape, self.lower), np.full(wanted.shape, self.upper)
        for _ in range(60):
            middle = (low + high) / 2
            above = self.cumulative(middle) >= wanted
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray(self.coordinate.backward((low + high) / 2)).reshape(at.shape)

    def density(self, value: ArrayLike) -> Array:
        """Return the posterior density; interpolation may leave it slightly off in far tails."""
        at = np.asarray(value, float)
        t = self.coordinate.forward(at.reshape(-1))
        inside = (t >= self.lower) & (t <= self.upper)
        t = np.clip(t, self.lower, self.upper)
        found = np.maximum(self.slope(t), 0.0) * np.exp(-self.coordinate.log_slope(t))
        return np.asarray(np.where(inside, found, 0.0)).reshape(at.shape)


def panel_marginal(lower: Array, upper: Array, mass: Array, coordinate: Coordinate, error: float) -> GridMarginal:
    """Return the marginal whose mass at the Gauss–Legendre nodes of (possibly overlapping) panels is `mass` (P, m)."""
    order, mass = mass.shape[1], mass / mass.sum()
    nodes, _ = legendre(order)
    powers = series.legvander(nodes, order - 1)
    density = (mass @ powers * (np.arange(order) + 0.5)).T
    integral = series.legint(density, lbnd=-1)
    half = (upper - lower) / 2

    def place(t: Array) -> Array:
        return np.asarray((t[:, None] - lower) / half - 1)

    def cumulative(t: Array) -> Array:
        s = np.clip(place(t), -1, 1)
        return np.asarray(series.legval(s, integral, tensor=False).sum(axis=1))

    def slope(t: Array) -> Array:
        s = place(t)
        values = series.legval(np.clip(s, -1, 1), density, tensor=False) / half
        # A point between two panels belongs to the lower one only.
        return np.asarray(np.where((s > -1) & (s <= 1), values, 0.0).sum(axis=1))

    def integrals() -> tuple[float, float]:
        grid, weight = panel_nodes(lower, upper, 16)
        s, _ = legendre(16)
        values = series.legval(s, density) / half[:, None]
        parameter = coordinate.backward(grid.ravel()).reshape(grid.shape)
        first = float((weight * values * parameter).sum())
        return first, float((weight * values * (parameter - first) ** 2).sum())

    mean, variance = integrals()
    low, high = float(lower.min()), float(upper.max())
    return GridMarginal(coordinate, low, high, cumulative, slope, mean, max(variance, 0.0) ** 0.5, error)


def sinc_marginal(t: Array, mass: Array, coordinate: Coordinate, *, mirror: bool, error: float) -> GridMarginal:
    """Return the marginal whose mass at the equally spaced nodes `t` of a trapezoidal rule is `mass`.

    Between nodes the density is the band-limited interpolant, as accurate as the rule itself. With `mirror` the
    density is even around t = 0, the first node, whose mass is that of half an interval.
    """
    spacing = float(t[1] - t[0])
    nodes, heights = t, mass / spacing
    if mirror:
        nodes = np.concatenate([-t[:0:-1], t])
        heights = np.concatenate([heights[:0:-1], [2 * heights[0]], heights[1:]])
    low, high = float(t[0]), float(t[-1])

    def integral(at: Array) -> Array:
        sine, _ = sici(np.pi * (at[:, None] - nodes) / spacing)
        return np.asarray(sine @ heights * spacing / np.pi)

    base = integral(np.array([low]))
    scale = 1.0 / float(integral(np.array([high]))[0] - base[0])

    def slope(at: Array) -> Array:
        return np.asarray(np.sinc((at[:, None] - nodes) / spacing) @ heights * scale)

    def cumulative(at: Array) -> Array:
        return (integral(at) - base) * scale

    ends = np.linspace(low, high, 9)
    grid, weight = panel_nodes(ends[:-1], ends[1:], 32)
    values = (weight.ravel() * slope(grid.ravel())).astype(float)
    parameter = coordinate.backward(grid.ravel())
    mean = float(values @ parameter)
    variance = float(values @ (parameter - mean) ** 2)
    return GridMarginal(coordinate, low, high, cumulative, slope, mean, max(variance, 0.0) ** 0.5, error)
