"""Quadrature over shape parameters: which thresholds, widths and scales to visit, with which weights.

The space of the shape parameters is cut into cells, each with a Gauss–Legendre rule. A threshold's cells never reach
across an observed exposure: where the columns are constant between neighbouring exposures (a step) each gap is one
exact node; where they are smooth, each gap is a panel; where they have layers as thin as a width (a logistic), panels
shrink geometrically towards each exposure. Cells over which the integrand varies too much are halved (`halve`), those
without mass are dropped.
"""

from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.quadrature import (
    Coordinate,
    legendre,
    linear_coordinate,
    log_coordinate,
    prior_coordinate,
    sinh_coordinate,
)
from metaanalysis.models.mean_function import MeanFunction
from metaanalysis.models.model import Model
from metaanalysis.models.priors import Prior

Array = NDArray[np.float64]
ORDERS = (3, 5, 7, 10, 14, 20, 28, 40)
WIDTH_ORDERS = (3, 4, 5, 7, 10, 14, 20, 28)
FINEST = len(ORDERS) - 1
TAIL = 1e-10
LONGEST = 1.6  # of a panel in the logarithm of a scale
LONGEST_LAYERED = 0.8  # the same where a threshold has layers as thin as the scale
GRADING = 1.0
VARIATION = 3.5  # of the log integrand over a cell, above which the cell is halved
NEGLIGIBLE = 27.0


@dataclass(frozen=True, slots=True)
class Levels:
    """How fine the rules over thresholds and over scales are, from 0 to `FINEST`.

    What the rule over a threshold with layers needs depends on their width, so that the width goes with the threshold.
    """

    threshold: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Boxes in the space of the free shape parameters.

    Attributes
    ----------
    names : tuple of str, length d
        Parameters.
    kinds : tuple of str, length d
        ``"gap"`` (one exact node), ``"threshold"``, ``"width"`` (of a threshold's layers) or ``"scale"``.
    coordinates : tuple of Coordinate, length d
        Changes of variable.
    lower, upper : (C, d) array
        Ends in the coordinates.
    log_factor : (C,) array
        Log share of the cell that is allowed: half of it where two ordered thresholds are in the same gap.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    coordinates: tuple[Coordinate, ...]
    lower: Array
    upper: Array
    log_factor: Array

    def orders(self, levels: Levels) -> tuple[int, ...]:
        """Return the number of nodes along each parameter."""
        at = levels.threshold
        own = {"gap": 1, "threshold": ORDERS[at], "width": WIDTH_ORDERS[at], "scale": ORDERS[levels.scale]}
        return tuple(own[kind] for kind in self.kinds)


@dataclass(frozen=True, slots=True, eq=False)
class Panels:
    """How one shape parameter was integrated: what its marginal density is rebuilt from.

    Attributes
    ----------
    lower, upper : (P,) array
        Panels in the coordinate; panels of different cells overlap.
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
    log_volume : (n,) array
        The part of them that is quadrature weight, so that the rest is a density in the coordinates.
    panels : mapping of str to Panels
        For parameters that are not fixed.
    """

    values: dict[str, Array]
    log_weight: Array
    log_volume: Array
    panels: dict[str, Panels]

    def __len__(self) -> int:
        return len(self.log_weight)


def shape_nodes(model: Model, cells: Cells, levels: Levels) -> ShapeNodes:
    """Return the shape nodes of `model` in `cells` at a level of refinement."""
    orders = cells.orders(levels)
    count = len(cells.lower)
    shape = (count, *orders)
    log_volume = np.broadcast_to(cells.log_factor.reshape(-1, *[1] * len(orders)), shape)
    log_weight = log_volume
    values, panels = {}, {}
    for i, (name, order) in enumerate(zip(cells.names, orders, strict=True)):
        nodes, weights = legendre(order)
        along = [1] * len(orders)
        along[i] = order
        middle, half = (cells.upper[:, i] + cells.lower[:, i]) / 2, (cells.upper[:, i] - cells.lower[:, i]) / 2
        t = middle[:, None] + half[:, None] * nodes
        value = cells.coordinates[i].backward(t)
        volume = np.log(half[:, None] * weights)
        density = model.shapes[name].log_density(value) + cells.coordinates[i].log_slope(t)
        log_volume = log_volume + volume.reshape(count, *along)
        log_weight = log_weight + (volume + density).reshape(count, *along)
        values[name] = np.broadcast_to(value.reshape(count, *along), shape).ravel()
        position = np.arange(count * order).reshape(count, *along)
        panels[name] = Panels(
            cells.lower[:, i], cells.upper[:, i], order, np.broadcast_to(position, shape).ravel(), cells.coordinates[i]
        )
    fixed = {name: np.full(log_weight.size, prior["value"]) for name, prior in model.shapes.items() if prior.fixed}
    return ShapeNodes({**values, **fixed}, log_weight.ravel(), log_volume.ravel(), panels)


def initial_cells(model: Model, exposures: Array) -> Cells:
    """Return the cells that the observed exposures alone ask for.

    Parameters
    ----------
    model : Model
        The model.
    exposures : array
        Observed exposures of treated and reference arms; NaN is ignored.
    """
    mean = model.mean
    breaks = mean.breaks(exposures)
    free = {shape.name: shape.kind for shape in mean.shapes if not model.shapes[shape.name].fixed}
    plans = [_plan(model, name, kind, breaks) for name, kind in free.items()]
    names, kinds = tuple(free), tuple(kind for kind, _, _ in plans)
    coordinates = tuple(coordinate for _, coordinate, _ in plans)
    if mean.between_breaks == "layered" and "threshold" in free:
        boxes = _layered(model, names, [edges for _, _, edges in plans], breaks, coordinates)
    else:
        panels = [list(pairwise(edges)) for _, _, edges in plans]
        boxes = [list(box) for box in product(*panels)]
    ends = np.array(boxes, float).reshape(len(boxes), len(names), 2)
    cells = Cells(names, kinds, coordinates, ends[:, :, 0], ends[:, :, 1], np.zeros(len(boxes)))
    return _ordered(mean, cells)


def _plan(model: Model, name: str, kind: str, breaks: Array) -> tuple[str, Coordinate, Array]:
    """Return kind of rule, coordinate and panel ends of one parameter on its own."""
    prior = model.shapes[name]
    if kind != "threshold":
        layered = model.mean.between_breaks == "layered" and not model.shapes["threshold"].fixed
        lower, upper, coordinate = _scale_interval(prior)
        count = int(np.ceil((upper - lower) / (LONGEST_LAYERED if layered else LONGEST)))
        return "width" if layered else "scale", coordinate, np.linspace(lower, upper, count + 1)
    edges = threshold_edges(prior, breaks)
    if model.mean.between_breaks == "constant":
        return "gap", prior_coordinate(prior), np.unique(prior.cdf(edges))
    return "threshold", linear_coordinate(), edges


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


def _layered(
    model: Model, names: tuple[str, ...], edges: list[Array], breaks: Array, coordinates: tuple[Coordinate, ...]
) -> list[list[tuple[float, float]]]:
    """Return cells over a threshold and a width, threshold panels as thin as the smallest width of the cell."""
    at = names.index("threshold")
    low, high = float(edges[at][0]), float(edges[at][-1])
    inside = breaks[(breaks > low) & (breaks < high)]
    if len(names) == 1:
        width = next(prior["value"] for name, prior in model.shapes.items() if name != "threshold")
        graded = _graded(low, high, inside, width)
        return [[pair] for pair in pairwise(graded)]
    other = 1 - at
    boxes = []
    for a, b in pairwise(edges[other]):
        graded = _graded(low, high, inside, float(coordinates[other].backward(np.array((a + b) / 2))))
        for pair in pairwise(graded):
            boxes.append([pair, (a, b)] if at == 0 else [(a, b), pair])
    return boxes


def _graded(low: float, high: float, breaks: Array, width: float) -> list[float]:
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
            distance = float(min(near)) if near else np.inf
        if b - a <= GRADING * (2 * width + distance):
            ends.append(b)
            continue
        middle = (a + b) / 2
        strictly = inside[(inside > a) & (inside < b)]
        if strictly.size:
            middle = float(strictly[np.argmin(np.abs(strictly - middle))])
        todo += [(middle, b), (a, middle)]
    return ends


def _ordered(mean: MeanFunction, cells: Cells) -> Cells:
    """Return the cells in which several thresholds are in increasing order, with the prior mass rescaled to one."""
    at = [cells.names.index(shape.name) for shape in mean.thresholds if shape.name in cells.names]
    if len(at) < 2:
        return cells
    steps = np.diff(cells.lower[:, at], axis=1)
    keep = np.all(steps >= 0, axis=1)
    tied = (steps[keep] == 0).sum(axis=1)
    # All thresholds have the same prior, so one in (number of orders) of the prior mass is allowed.
    orders = float(np.prod(np.arange(1, len(at) + 1)))
    return replace(
        cells, lower=cells.lower[keep], upper=cells.upper[keep], log_factor=np.log(orders) - tied * np.log(2.0)
    )


def halve(cells: Cells, log_density: Array, log_mass: Array) -> tuple[Cells, bool]:
    """Return the cells without those of negligible mass, those with a steep integrand halved, and whether any was.

    Parameters
    ----------
    cells : Cells
        The cells.
    log_density, log_mass : (C, *orders) array
        Log integrand as a density in the coordinates, and times the quadrature weight.
    """
    count, dims = cells.lower.shape
    flat = log_density.reshape(count, -1)
    top = flat.max(axis=1)
    own = log_mass.reshape(count, -1).max(axis=1)
    # A cell that falls steeply towards its edge may hide a peak there: its slope counts in its favour.
    variation = np.stack([_variation(log_density, i + 1, top.max()) for i in range(dims)], axis=1)
    steep = np.minimum(variation.max(axis=1), 10.0)
    keep = own + steep > own.max() - NEGLIGIBLE
    direction = np.where([kind == "gap" for kind in cells.kinds], -1.0, variation).argmax(axis=1)
    split = keep & (variation[np.arange(count), direction] > VARIATION)
    split &= np.array([kind != "gap" for kind in cells.kinds])[direction]
    first, second = cells.lower[split].copy(), cells.upper[split].copy()
    rows = np.arange(split.sum())
    middle = (first[rows, direction[split]] + second[rows, direction[split]]) / 2
    left_upper, right_lower = second.copy(), first.copy()
    left_upper[rows, direction[split]] = middle
    right_lower[rows, direction[split]] = middle
    stay = keep & ~split
    lower = np.concatenate([cells.lower[stay], first, right_lower])
    upper = np.concatenate([cells.upper[stay], left_upper, second])
    factor = np.concatenate([cells.log_factor[stay], cells.log_factor[split], cells.log_factor[split]])
    return replace(cells, lower=lower, upper=upper, log_factor=factor), bool(split.any())


def _variation(log_density: Array, axis: int, top: float) -> Array:
    """Return how much the log integrand varies along one parameter of each cell, far tails not counted."""
    floored = np.maximum(log_density, top - NEGLIGIBLE)
    span = floored.max(axis=axis) - floored.min(axis=axis)
    return np.asarray(span.reshape(len(span), -1).max(axis=1))
