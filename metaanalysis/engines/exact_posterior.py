"""The posterior of the exact engine: a finite mixture of normals over the quadrature nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.densities import panel_marginal, sinc_marginal
from metaanalysis.engines.engine import Curve, EffectEstimates, Marginal, StudyEffects
from metaanalysis.engines.exact_locate import Located
from metaanalysis.engines.exact_problem import MIX, Problem
from metaanalysis.engines.exact_random_effects import row_effects, study_deviations
from metaanalysis.engines.exact_sweep import log_sum, scan, shape_masses
from metaanalysis.engines.gaussian import coefficients
from metaanalysis.engines.marginals import MixtureMarginal, PointMarginal, average, band
from metaanalysis.engines.quadrature import Axis, Nodes
from metaanalysis.engines.shape_nodes import Cells, Levels, ShapeNodes, shape_nodes
from metaanalysis.engines.threads import one_thread
from metaanalysis.errors import bad
from metaanalysis.models.design import contrast

Array = NDArray[np.float64]
BAND_DROPPED = 1e-5  # mass left out of pointwise bands, for speed; far below what a figure shows


@dataclass(frozen=True, slots=True, eq=False)
class ExactPosterior:
    """Nodes with weights, and the normal posterior of the coefficients at each.

    Attributes
    ----------
    problem : Problem
        Model on table.
    axes, nodes : tuples
        Axes and their nodes.
    cells : Cells
        Cells of the shape parameters.
    shapes : ShapeNodes
        Shape nodes.
    weights : (N,) array
        Posterior weights of the nodes kept, in decreasing order, summing to one.
    at : (axes + 1, N) array of int
        Index of each node along every axis and among the shape nodes.
    means : (N, p) array
        Posterior means of the estimated coefficients.
    covariances : (N, p, p) array
        Posterior covariances.
    error : float
        Bound on the numerical error of a probability.
    finest : mapping of str to int
        Levels that the refinement ended at: marginals of shape parameters and heterogeneity are computed there.
    memo : dict
        Such marginals, once computed.
    """

    problem: Problem
    axes: tuple[Axis, ...]
    nodes: tuple[Nodes, ...]
    cells: Cells
    shapes: ShapeNodes
    weights: Array
    at: NDArray[np.intp]
    means: Array
    covariances: Array
    error: float
    finest: Mapping[str, int]
    memo: dict[str, Marginal] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters: coefficients, shape parameters, heterogeneity."""
        model = self.problem.model
        extra = [name for name in self.problem.names if name not in model.coefficients]
        return (*model.coefficients, *extra, *model.shapes, *model.heterogeneity.priors)

    def axis_values(self, name: str) -> Array:
        """Return the value of a heterogeneity parameter at each node; zero if the model has none such."""
        for i, axis in enumerate(self.axes):
            if axis.name == name:
                return np.asarray(self.nodes[i].value[self.at[i]])
        return np.zeros(len(self.weights))

    def marginal(self, name: str) -> Marginal:
        """Return the posterior of one parameter.

        Raises
        ------
        InputError
            If the model has no such parameter.
        """
        if name in self.problem.names:
            j = self.problem.names.index(name)
            sds = np.sqrt(self.covariances[:, j, j])
            return MixtureMarginal(self.weights, self.means[:, j], sds, self.error)
        model = self.problem.model
        fixed = model.priors.get(name)
        if fixed is not None and fixed.fixed:
            return PointMarginal(fixed["value"])
        if name not in self.parameters:
            known = ", ".join(self.parameters)
            raise bad(model.name, name, "the model has no such parameter", f"Parameters: {known}.")
        if name not in self.memo:
            compute = self._shape_marginal if name in model.shapes else self._axis_marginal
            self.memo[name] = compute(name)
        return self.memo[name]

    @one_thread()
    def _axis_marginal(self, name: str) -> Marginal:
        """Return the posterior of a heterogeneity parameter, its own axis refined once more."""
        i = next(i for i, axis in enumerate(self.axes) if axis.name == name)
        axis, nodes = self.axes[i], list(self.nodes)
        nodes[i] = axis.nodes(self.finest[name] + 1)
        density = scan(self.problem, nodes, self.shapes)
        log_mass = log_sum(density, tuple(j for j in range(len(nodes)) if j != i))
        mass = np.exp(log_mass - log_mass.max())
        if axis.rule == "legendre":
            ends = np.array([axis.lower]), np.array([axis.upper])
            return panel_marginal(*ends, mass[None], axis.coordinate, self.error)
        mirror = axis.mirror and axis.lower == 0
        return sinc_marginal(nodes[i].t, mass, axis.coordinate, mirror=mirror, error=self.error)

    @one_thread()
    def _shape_marginal(self, name: str) -> Marginal:
        """Return the posterior of a shape parameter, on shape nodes as fine as the refinement went."""
        levels = Levels(self.finest["threshold"], self.finest["scale"])
        shapes = shape_nodes(self.problem.model, self.cells, levels)
        log_mass = shape_masses(self.problem, self.nodes, shapes)
        mass = np.exp(log_mass - log_mass.max())
        for other, panels in shapes.panels.items():
            grid = np.bincount(panels.position, weights=mass, minlength=len(panels.lower) * panels.order)
            self.memo[other] = panel_marginal(
                panels.lower, panels.upper, grid.reshape(-1, panels.order), panels.coordinate, self.error
            )
        return self.memo[name]

    def _moments(self, x: Array, x0: Array, variance: Sequence[str], count: int) -> tuple[Array, Array]:
        """Return means and sds (count, G) of b(x) - b(x0) at the `count` heaviest nodes."""
        problem = self.problem
        used, owner = np.unique(self.at[-1, :count], return_inverse=True)
        shape = {name: value[used] for name, value in self.shapes.values.items()}
        rows = contrast(problem.model, x, x0, shape)
        curve = problem.free < len(problem.model.coefficients)
        own = rows[..., problem.free[curve]]
        known = problem.fixed < len(problem.model.coefficients)
        offset = rows[..., problem.fixed[known]] @ problem.fixed_values[known]
        if len(rows) == 1:
            owner = np.zeros(count, dtype=np.intp)
        means = np.empty((count, x.size))
        squares = np.empty((count, x.size))
        order = np.argsort(owner, kind="stable")
        ends = np.searchsorted(owner[order], np.arange(len(rows) + 1))
        for s in range(len(rows)):
            index = order[ends[s] : ends[s + 1]]
            means[index] = self.means[index][:, curve] @ own[s].T + offset[s]
            cov = self.covariances[index][:, curve][:, :, curve]
            squares[index] = ((own[s] @ cov) * own[s]).sum(axis=-1)
        for name in variance:
            squares += (self.axis_values(name)[:count] ** 2)[:, None]
        return means, np.sqrt(np.maximum(squares, 0.0))

    def heaviest(self, dropped: float) -> int:
        """Return how many of the heaviest nodes hold all but the share `dropped` of the mass."""
        return int(np.searchsorted(np.cumsum(self.weights), 1 - dropped) + 1)

    @one_thread()
    def contrast(self, x: Array, x0: Array, *, variance: Sequence[str] = ()) -> Sequence[Marginal]:
        """Return the posterior of b(x) - b(x0) at each pair, random effects of the named kinds added."""
        means, sds = self._moments(x, x0, variance, len(self.weights))
        return [MixtureMarginal(self.weights, means[:, g], sds[:, g], self.error) for g in range(x.size)]

    @one_thread()
    def curve(self, x: Array, x0: Array, *, level: float) -> Curve:
        """Return mean and pointwise band of b(x) - b(x0)."""
        count = min(self.heaviest(BAND_DROPPED), len(self.weights))
        means, sds = self._moments(x, x0, (), count)
        weights = self.weights[:count] / self.weights[:count].sum()
        mean = average(weights, means)
        sd = np.sqrt(average(weights, sds**2 + (means - mean) ** 2))
        lower, upper = band(weights, means, sds, level)
        return Curve(x, mean, sd, lower, upper, level)

    @one_thread()
    def study_effects(self) -> StudyEffects:
        """Return the posterior of the study effects."""
        mean, sd = study_deviations(self)
        return StudyEffects(self.problem.table.studies, mean, sd)

    @one_thread()
    def effects(self, *, level: float) -> EffectEstimates:
        """Return the posterior of the true effect of each row."""
        return row_effects(self, level=level)

    @one_thread()
    def draws(self, count: int, *, seed: int) -> dict[str, Array]:
        """Return joint posterior draws of all parameters.

        Coefficients are drawn from the normal of a node drawn by weight. Heterogeneity and shape parameters, which
        take the values of their nodes there, are spread over the interval that the node stands for.
        """
        rng = np.random.default_rng(seed)
        node = rng.choice(len(self.weights), size=count, p=self.weights)
        roots = np.linalg.cholesky(self.covariances[node])
        betas = self.means[node] + np.einsum("nij,nj->ni", roots, rng.standard_normal(self.means[node].shape))
        out: dict[str, Array] = {name: betas[:, j] for j, name in enumerate(self.problem.names)}
        for i, axis in enumerate(self.axes):
            if not axis.name.startswith(MIX) and axis.name in self.parameters:
                out[axis.name] = _spread(axis, self.nodes[i], self.at[i, node], rng)
        for name, values in self.shapes.values.items():
            out[name] = self._spread_shape(name, values, self.at[-1, node], rng)
        model = self.problem.model
        out.update({name: np.full(count, p["value"]) for name, p in model.coefficients.items() if p.fixed})
        return {name: out[name] for name in self.parameters}

    def _spread_shape(self, name: str, values: Array, index: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Return draws of a shape parameter within the cells of its nodes."""
        if name not in self.shapes.panels:
            return values[index]
        panels = self.shapes.panels[name]
        position = panels.position[index]
        panel, within = position // panels.order, position % panels.order
        _, weight = np.polynomial.legendre.leggauss(panels.order)
        ends = np.concatenate([[0.0], np.cumsum(weight)]) / 2
        share = ends[within] + rng.random(index.size) * (ends[within + 1] - ends[within])
        low, high = panels.lower[panel], panels.upper[panel]
        return np.asarray(panels.coordinate.backward(low + share * (high - low)))


def _spread(axis: Axis, nodes: Nodes, index: NDArray[np.intp], rng: np.random.Generator) -> Array:
    """Return draws of a heterogeneity parameter within the cells of its nodes."""
    if axis.rule == "point":
        return nodes.value[index]
    middles = (nodes.t[1:] + nodes.t[:-1]) / 2
    first = axis.lower if axis.mirror or axis.rule == "legendre" else nodes.t[0] - (middles[0] - nodes.t[0])
    ends = np.concatenate([[first], middles, [axis.upper]])
    share = rng.random(index.size)
    return np.asarray(axis.coordinate.backward(ends[index] + share * (ends[index + 1] - ends[index])))


def build_posterior(
    problem: Problem,
    located: Located,
    nodes: Sequence[Nodes],
    shapes: ShapeNodes,
    log_mass: Array,
    at: NDArray[np.intp],
    factors: Array,
    *,
    error: float,
    finest: Mapping[str, int],
) -> ExactPosterior:
    """Return the posterior from the integrand at the nodes kept."""
    order = np.argsort(-log_mass, kind="stable")
    weights = np.exp(log_mass[order] - log_mass[order[0]])
    deviations, covariances = coefficients(factors[:, order])
    return ExactPosterior(
        problem=problem,
        axes=located.axes,
        nodes=tuple(nodes),
        cells=located.cells,
        shapes=shapes,
        weights=weights / weights.sum(),
        at=at[:, order],
        means=problem.prior_mean + deviations,
        covariances=covariances,
        error=error,
        finest=finest,
    )
