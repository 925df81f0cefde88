"""Where the posterior mass is: heterogeneity cut to it, cells of the shape parameters halved towards it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.exact_problem import Problem
from metaanalysis.engines.exact_sweep import log_sum, scan, shape_masses
from metaanalysis.engines.quadrature import Axis, narrow, resolve
from metaanalysis.engines.shape_nodes import Cells, Levels, ShapeNodes, halve, initial_cells, shape_nodes

Array = NDArray[np.float64]
SCAN = {0: 1, 1: 33, 2: 15, 3: 9, 4: 7, 5: 5}
COARSE = 4
MOST_CELLS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Axes and cells that hold the posterior mass."""

    axes: tuple[Axis, ...]
    cells: Cells


def locate(problem: Problem) -> Located:
    """Return axes and cells that hold the mass, resolved as finely as its spread asks for."""
    cells = initial_cells(problem.model, problem.exposures)
    axes = locate_axes(problem, problem.axes, shape_nodes(problem.model, cells, Levels()))
    if "scale" not in cells.kinds and "threshold" not in cells.kinds:
        return Located(axes, cells)
    cells, changed = locate_cells(problem, axes, cells)
    if changed:  # a sharper shape fits better, which may leave less to heterogeneity
        axes = locate_axes(problem, problem.axes, shape_nodes(problem.model, cells, Levels()))
    return Located(axes, cells)


def locate_cells(problem: Problem, axes: Sequence[Axis], cells: Cells) -> tuple[Cells, bool]:
    """Return the cells halved until the integrand is tame on each, and whether any was."""
    nodes = [replace(axis, intervals=COARSE).nodes(0) for axis in axes]
    changed = False
    for _ in range(40):
        shapes = shape_nodes(problem.model, cells, Levels())
        log_mass = shape_masses(problem, nodes, shapes)
        shape = (len(cells.lower), *cells.orders(Levels()))
        cells, split = halve(cells, (log_mass - shapes.log_volume).reshape(shape), log_mass.reshape(shape))
        changed = changed or split
        if not split or len(cells.lower) > MOST_CELLS:
            break
    return cells, changed


def locate_axes(problem: Problem, axes: tuple[Axis, ...], shapes: ShapeNodes) -> tuple[Axis, ...]:
    """Return the axes cut to where the posterior mass is, with as many nodes as its width asks for."""
    free = [i for i, axis in enumerate(axes) if axis.rule != "point"]
    if not free:
        return axes
    count = SCAN[min(len(free), 5)]
    for _ in range(12):
        grids = [axis.scan(count) for axis in axes]
        density = scan(problem, grids, shapes)
        cut = list(axes)
        for i in free:
            profile = density.max(axis=tuple(j for j in range(len(axes)) if j != i))
            cut[i] = narrow(axes[i], grids[i].t, profile)
        shrunk = [(cut[i].upper - cut[i].lower) / (axes[i].upper - axes[i].lower) for i in free]
        if all(ratio > 0.6 for ratio in shrunk):
            break
        axes = tuple(cut)
    for i in free:
        others = tuple(j for j in range(len(axes)) if j != i)
        cut[i] = resolve(cut[i], grids[i].t, log_sum(density, others))
    return tuple(cut)
