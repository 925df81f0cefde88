"""Axes of the heterogeneity and cells of the shape parameters: they integrate priors to one and break where told."""

import numpy as np
import pytest

from metaanalysis.engines.exact_refine import refine
from metaanalysis.engines.quadrature import make_axis, narrow, resolve
from metaanalysis.engines.shape_nodes import Levels, halve, initial_cells, shape_nodes
from metaanalysis.errors import NumericalError
from metaanalysis.models import priors
from metaanalysis.models.mean_function import mean_function_names
from metaanalysis.models.model import build_model

WHY = "test"
RANGE = (0.0, 10.0)
EXPOSURES = np.array([1.0, 3.0, 4.0, 8.0, np.nan])


@pytest.mark.parametrize(
    "prior",
    [
        priors.half_normal(0.3, reason=WHY),
        priors.half_t(4, 0.3, reason=WHY),
        priors.uniform(0, 2, reason=WHY),
        priors.uniform(0.5, 2, reason=WHY),
        priors.log_uniform(0.01, 2, reason=WHY),
        priors.gamma(2, 5, reason=WHY),
        priors.inverse_gamma(3, 0.5, reason=WHY),
        priors.point(0.2, reason=WHY),
    ],
    ids=str,
)
def test_an_axis_integrates_its_prior_to_one(prior):
    nodes = make_axis("tau_between", prior, 0.05).nodes(6)
    assert np.exp(nodes.log_weight).sum() == pytest.approx(1, abs=1e-7)
    assert np.all(nodes.value >= 0)


def test_even_priors_start_at_zero_and_others_do_not_reach_it():
    even = make_axis("tau_between", priors.half_normal(0.3, reason=WHY), 0.05)
    assert even.mirror
    assert even.nodes(0).value[0] == 0
    assert make_axis("tau_between", priors.gamma(2, 5, reason=WHY), 0.05).nodes(0).value[0] > 0


def test_an_axis_is_narrowed_to_the_mass_and_resolved_to_its_width():
    axis = make_axis("tau_between", priors.half_normal(0.3, reason=WHY), 0.01)
    for _ in range(6):
        grid = axis.scan(33)
        profile = -0.5 * ((grid.t - 3.0) / 0.05) ** 2
        axis = narrow(axis, grid.t, profile)
    assert 2.4 < axis.lower < 2.75
    assert 3.25 < axis.upper < 3.6
    fine = axis.scan(33)
    resolved = resolve(axis, fine.t, -0.5 * ((fine.t - 3.0) / 0.05) ** 2)
    spacing = (resolved.upper - resolved.lower) / resolved.intervals
    assert 0.05 < spacing < 0.1


@pytest.mark.parametrize("name", mean_function_names())
def test_shape_nodes_hold_all_of_the_prior(name):
    model = build_model(name, exposure_range=RANGE)
    for levels in (Levels(), Levels(2, 2)):
        nodes = shape_nodes(model, initial_cells(model, EXPOSURES), levels)
        assert np.exp(nodes.log_weight).sum() == pytest.approx(1, abs=1e-3 if levels == Levels() else 1e-5)
        assert set(nodes.values) == set(model.shapes)


def test_a_step_has_one_node_in_each_gap():
    model = build_model("step", exposure_range=RANGE)
    nodes = shape_nodes(model, initial_cells(model, EXPOSURES), Levels(5, 5))
    assert nodes.values["threshold"] == pytest.approx([0.5, 2, 3.5, 6, 9])
    assert np.exp(nodes.log_weight) == pytest.approx([0.1, 0.2, 0.1, 0.4, 0.2])


def test_two_free_boundaries_come_in_order():
    lower, upper = (priors.uniform(0, 10, reason=WHY) for _ in range(2))
    model = build_model("levels", exposure_range=RANGE, priors={"lower": lower, "upper": upper})
    nodes = shape_nodes(model, initial_cells(model, EXPOSURES), Levels())
    assert np.all(nodes.values["lower"] <= nodes.values["upper"])
    assert np.exp(nodes.log_weight).sum() == pytest.approx(1)
    first = np.exp(nodes.log_weight[nodes.values["upper"] < 1]).sum()
    assert first == pytest.approx(0.1**2)  # both boundaries below 1: the square of one tenth, order given


def test_no_panel_of_a_smooth_threshold_crosses_an_exposure():
    model = build_model("kink", exposure_range=RANGE)
    cells = initial_cells(model, EXPOSURES)
    for exposure in (1.0, 3.0, 4.0, 8.0):
        assert not np.any((cells.lower[:, 0] < exposure) & (exposure < cells.upper[:, 0]))


def test_panels_of_a_logistic_shrink_towards_exposures():
    model = build_model("logistic", exposure_range=RANGE)
    cells = initial_cells(model, EXPOSURES)
    at, width = cells.names.index("threshold"), cells.names.index("width")
    narrow_ones = cells.lower[:, width] == cells.lower[:, width].min()
    lengths = cells.upper[narrow_ones, at] - cells.lower[narrow_ones, at]
    touching = np.isin(cells.lower[narrow_ones, at], [1, 3, 4, 8])
    assert lengths[touching].max() < 0.35
    assert lengths.max() >= 3 * lengths[touching].max()


def test_cells_are_halved_where_the_integrand_is_steep_and_dropped_where_it_is_nothing():
    model = build_model("kink", exposure_range=RANGE)
    cells = initial_cells(model, EXPOSURES)
    for _ in range(12):
        nodes = shape_nodes(model, cells, Levels())
        log_density = -0.5 * ((nodes.values["threshold"] - 6.0) / 0.02) ** 2
        shape = (len(cells.lower), *cells.orders(Levels()))
        cells, split = halve(cells, log_density.reshape(shape), (log_density + nodes.log_volume).reshape(shape))
        if not split:
            break
    assert not split
    assert cells.lower.min() > 5
    assert cells.upper.max() < 7
    nodes = shape_nodes(model, cells, Levels(3, 0))
    mass = np.exp(-0.5 * ((nodes.values["threshold"] - 6.0) / 0.02) ** 2 + nodes.log_weight).sum()
    assert mass == pytest.approx(0.02 * np.sqrt(2 * np.pi) / 10, rel=1e-8)


def test_refinement_adds_up_moves_and_states_its_error():
    def total(point):
        return 1.0 + 0.3 * 0.05 ** point["a"] - 0.2 * 0.1 ** point["b"]

    found = refine(
        total, {"a": 12, "b": 12}, start={"a": 0, "b": 0}, tolerance=1e-6, posterior_tolerance=1e-3,
        where="table: model", remedy="Do something.",
    )  # fmt: skip
    assert found.value == pytest.approx(1.0, abs=1e-6)
    assert abs(found.value - 1.0) <= found.error <= 1e-6
    assert found.posterior["a"] <= 3
    assert found.posterior["b"] <= 3


def test_refinement_gives_up_with_reason_and_remedy():
    with pytest.raises(NumericalError, match=r"table: model: the quadrature over a still moves .* Do something\."):
        refine(
            lambda point: 1 / (1 + point["a"]), {"a": 5}, start={"a": 0}, tolerance=1e-6, posterior_tolerance=1e-3,
            where="table: model", remedy="Do something.",
        )  # fmt: skip
