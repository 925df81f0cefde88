"""Quadrature over shape parameters: which thresholds, widths and scales to visit, with which weights.

A threshold is never integrated across an observed exposure. Where the columns are constant between neighbouring
exposures (a step) each gap is one exact node; where they are smooth, each gap is a Gauss–Legendre panel; where they
have layers as thin as a width (a logistic), panels shrink geometrically towards each exposure.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.quadrature import (
    Coordinate,
    linear_coordinate,
    log_coordinate,
    panel_nodes,
    prior_coordinate,
    sinh_coordinate,
)
from metaanalysis.models.mean_function import MeanFunction
from metaanalysis.models.model import Model
from metaanalysis.models.priors import Prior

Array = NDArray[np.float64]
THRESHOLD_ORDERS = (3, 4, 5, 6, 7, 8, 10, 12, 16, 22, 32)
SCALE_ORDERS = (6, 8, 11, 14, 17, 20, 24, 32, 45, 64, 90)
FINEST = len(SCALE_ORDERS) - 1
TAIL = 1e-10
GRADING = 1.5


@dataclass(frozen=True, slots=True)
class Levels:
    """How fine the rules over thresholds and over scales are, from 0 to `FINEST`."""

    threshold: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Panels:
    """How one shape parameter was integrated: what its marginal density is rebuilt from.

    Attributes
    ----------
    lower, upper : (P,) array
        Panels in the coordinate; panels may overlap if they belong to different values of another parameter.
    order : int
        Nodes per panel.
    position : (n,) array
        Position of each shape node among the P * order nodes of this parameter.
    coordinate : Coordinate
        Change of variable.
    """

    lower: Array
    upper: Array
    order: int
    position: NDArray[np.intp]
    coordinate: Coordinate


@dataclass(frozen=True, slots=True, eq=False)
class ShapeNodes:
    """Nodes over all shape parameters of a model.

    Attributes
    ----------
    values : mapping of str to (n,) array
        Shape parameters; empty if the model has none.
    log_weight : (n,) array
        Log weights, prior included.
    panels : mapping of str to Panels
        For parameters that are not fixed.
    """

    values: dict[str, Array]
    log_weight: Array
    panels: dict[str, Panels]

    def __len__(self) -> int:
        return len(self.log_weight)


def shape_nodes(model: Model, exposures: Array, levels: Levels) -> ShapeNodes:
    """Return the shape nodes of `model` at a level of refinement.

    Parameters
    ----------
    model : Model
        The model.
    exposures : array
        Observed exposures of treated and reference arms; NaN is ignored.
    levels : Levels
        Refinement of the rules.
    """
    mean = model.mean
    breaks = mean.breaks(exposures)
    free = {shape.name: model.shapes[shape.name] for shape in mean.shapes if not model.shapes[shape.name].fixed}
    fixed = {name: prior["value"] for name, prior in model.shapes.items() if prior.fixed}
    if mean.between_breaks == "layered" and "threshold" in free:
        return _with_fixed(_layered(mean, free, fixed, breaks, levels), fixed)
    parts = [_single(mean, name, prior, breaks, levels) for name, prior in free.items()]
    return _with_fixed(_ordered(mean, reduce(_product, parts, _nothing())), fixed)


def _nothing() -> ShapeNodes:
    """Return the single node of a model without free shape parameters."""
    return ShapeNodes({}, np.zeros(1), {})


def _with_fixed(nodes: ShapeNodes, fixed: dict[str, float]) -> ShapeNodes:
    """Return the nodes with constant parameters added."""
    values = {**nodes.values, **{name: np.full(len(nodes), value) for name, value in fixed.items()}}
    return ShapeNodes(values, nodes.log_weight, nodes.panels)


def _single(mean: MeanFunction, name: str, prior: Prior, breaks: Array, levels: Levels) -> ShapeNodes:
    """Return the nodes of one parameter on its own."""
    kind = next(shape.kind for shape in mean.shapes if shape.name == name)
    if kind != "threshold":
        lower, upper, coordinate = _scale_interval(prior)
        return _panelled(name, prior, np.array([lower]), np.array([upper]), SCALE_ORDERS[levels.scale], coordinate)
    edges = threshold_edges(prior, breaks)
    if mean.between_breaks == "constant":
        ends = prior.cdf(edges)
        keep = ends[1:] > ends[:-1]
        return _panelled(name, prior, ends[:-1][keep], ends[1:][keep], 1, prior_coordinate(prior))
    return _panelled(name, prior, edges[:-1], edges[1:], THRESHOLD_ORDERS[levels.threshold], linear_coordinate())


def threshold_edges(prior: Prior, breaks: Array) -> Array:
    """Return the ends of the gaps between observed exposures, within the support of a threshold's prior."""
    low, high = prior.support
    low = float(prior.quantile(TAIL)) if np.isinf(low) else low
    high = float(prior.quantile(1 - TAIL)) if np.isinf(high) else high
    return np.concatenate([[low], breaks[(breaks > low) & (breaks < high)], [high]])


def _scale_interval(prior: Prior) -> tuple[float, float, Coordinate]:
    """Return the interval, in a suitable coordinate, of a positive parameter."""
    low, high = prior.support
    if low > 0 and np.isfinite(high):
        coordinate = log_coordinate()
    else:
        coordinate = sinh_coordinate(float(prior.quantile(0.05)))
        low = float(prior.quantile(TAIL)) if prior.family == "inverse_gamma" else max(low, 0.0)
        high = float(prior.quantile(1 - TAIL)) if np.isinf(high) else high
    lower, upper = coordinate.forward(np.array([low, high]))
    return float(lower), float(upper), coordinate


def _panelled(name: str, prior: Prior, lower: Array, upper: Array, order: int, coordinate: Coordinate) -> ShapeNodes:
    """Return Gauss–Legendre nodes on panels of a parameter's coordinate."""
    t, weight = panel_nodes(lower, upper, order)
    t, weight = t.ravel(), weight.ravel()
    value = coordinate.backward(t)
    log_weight = np.log(weight) + prior.log_density(value) + coordinate.log_slope(t)
    panels = Panels(lower, upper, order, np.arange(t.size), coordinate)
    return ShapeNodes({name: value}, log_weight, {name: panels})


def _product(first: ShapeNodes, second: ShapeNodes) -> ShapeNodes:
    """Return the nodes of two independent sets of parameters together."""
    a, b = len(first), len(second)
    left, right = np.repeat(np.arange(a), b), np.tile(np.arange(b), a)
    return ShapeNodes(
        {
            **{name: value[left] for name, value in first.values.items()},
            **{name: value[right] for name, value in second.values.items()},
        },
        first.log_weight[left] + second.log_weight[right],
        {**_taken(first.panels, left), **_taken(second.panels, right)},
    )


def _taken(panels: dict[str, Panels], index: NDArray[np.intp]) -> dict[str, Panels]:
    """Return panels whose nodes were repeated according to `index`."""
    return {name: Panels(p.lower, p.upper, p.order, p.position[index], p.coordinate) for name, p in panels.items()}


def _ordered(mean: MeanFunction, nodes: ShapeNodes) -> ShapeNodes:
    """Return the nodes at which several thresholds are in increasing order, weights summing to the same prior mass.

    Only gaps between exposures are visited, so two thresholds in the same gap are kept: nothing lies between them.
    """
    names = [shape.name for shape in mean.thresholds if shape.name in nodes.values]
    if len(names) < 2:
        return nodes
    values = np.stack([nodes.values[name] for name in names])
    keep = np.all(np.diff(values, axis=0) >= 0, axis=0)
    # Within one gap, half of the pairs are in order.
    tied = np.all(np.diff(values, axis=0) == 0, axis=0)
    log_weight = nodes.log_weight + np.where(tied, -np.log(2), 0.0)
    total = np.logaddexp.reduce(log_weight[keep])
    index = np.flatnonzero(keep)
    return ShapeNodes(
        {name: value[index] for name, value in nodes.values.items()},
        log_weight[index] - total,
        _taken(nodes.panels, index),
    )


def _layered(
    mean: MeanFunction, free: dict[str, Prior], fixed: dict[str, float], breaks: Array, levels: Levels
) -> ShapeNodes:
    """Return nodes over a width and, for each width, over a threshold with layers that thin."""
    scales = [name for name in free if name != "threshold"]
    if scales:
        outer = _single(mean, scales[0], free[scales[0]], breaks, levels)
        widths = outer.values[scales[0]]
    else:
        outer, widths = _nothing(), np.array([next(v for name, v in fixed.items() if name != "threshold")])
    prior, order = free["threshold"], THRESHOLD_ORDERS[levels.threshold]
    edges = threshold_edges(prior, breaks)
    grids = [_graded(float(edges[0]), float(edges[-1]), edges[1:-1], float(width)) for width in widths]
    lower = np.concatenate([grid[:-1] for grid in grids])
    upper = np.concatenate([grid[1:] for grid in grids])
    inner = _panelled("threshold", prior, lower, upper, order, linear_coordinate())
    owner = np.repeat(np.arange(len(widths)), [(len(grid) - 1) * order for grid in grids])
    return ShapeNodes(
        {**inner.values, **{name: value[owner] for name, value in outer.values.items()}},
        inner.log_weight + outer.log_weight[owner],
        {**inner.panels, **_taken(outer.panels, owner)},
    )


def _graded(low: float, high: float, breaks: Array, width: float) -> Array:
    """Return panel ends such that no panel is much longer than the width plus its distance to a break."""
    ends = [low]
    todo = [(low, high)]
    while todo:
        a, b = todo.pop()
        left, right = np.searchsorted(breaks, [a, b])
        inside = breaks[(breaks >= a) & (breaks <= b)]
        if inside.size:
            distance = 0.0
        else:
            near = [a - breaks[left - 1]] if left > 0 else []
            near += [breaks[right] - b] if right < len(breaks) else []
            distance = min(near) if near else np.inf
        if b - a <= GRADING * (2 * width + distance):
            ends.append(b)
            continue
        middle = (a + b) / 2
        strictly = inside[(inside > a) & (inside < b)]
        if strictly.size:
            middle = float(strictly[np.argmin(np.abs(strictly - middle))])
        todo += [(middle, b), (a, middle)]
    return np.array(ends)
