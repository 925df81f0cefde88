"""Mean functions: found by listing the folder, vectorised, scaled by convention, and what each claims to be."""

import numpy as np
import pytest

from metaanalysis.errors import InputError
from metaanalysis.models.design import contrast
from metaanalysis.models.mean import gp, spline
from metaanalysis.models.mean_function import mean_function, mean_function_names
from metaanalysis.models.model import build_model

RANGE = (2.0, 12.0)
X = np.array([2.0, 4.5, 7.0, 9.0, 12.0])
MEMBERS = (
    "cliff", "flat", "gp", "kink", "levels", "linear", "logistic", "saturating", "spline", "step", "step_slope",
)  # fmt: skip


def some_shape(name: str, count: int = 3) -> dict[str, np.ndarray]:
    """A few values of every shape parameter, from quantiles of its default prior."""
    mean = mean_function(name)
    p = np.linspace(0.2, 0.8, count)
    return {shape.name: shape.prior(RANGE).quantile(p) for shape in mean.shapes}


def test_the_family_is_the_folder():
    assert mean_function_names() == MEMBERS


def test_an_unknown_member_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="step_slope"):
        mean_function("parabola")


@pytest.mark.parametrize("name", MEMBERS)
def test_declarations(name):
    mean = mean_function(name)
    assert mean.name == name
    assert mean.says
    for prior in [c.prior for c in mean.coefficients] + [s.prior(RANGE) for s in mean.shapes]:
        assert prior.proper
        assert prior.reason
    assert (mean.jump is None) == (mean.family != "discontinuous")


@pytest.mark.parametrize("name", MEMBERS)
def test_columns_are_vectorised_over_leading_axes(name):
    mean = mean_function(name)
    shape = some_shape(name)
    rows = mean.columns(X, shape, RANGE)
    p = len(mean.coefficients)
    assert rows.shape == ((3, len(X), p) if shape else (len(X), p))
    for i in range(3 if shape else 0):
        one = mean.columns(X, {key: value[i] for key, value in shape.items()}, RANGE)
        assert one == pytest.approx(rows[i], abs=1e-12)
    if shape:
        square = {key: value.reshape(1, 3) for key, value in shape.items()}
        assert mean.columns(X, square, RANGE) == pytest.approx(rows[None], abs=1e-12)


@pytest.mark.parametrize("name", MEMBERS)
def test_the_first_column_is_the_intercept(name):
    mean = mean_function(name)
    assert mean.coefficients[0].name == "intercept"
    assert np.all(mean.columns(X, some_shape(name), RANGE)[..., 0] == 1)


@pytest.mark.parametrize("name", MEMBERS)
def test_contrasts_with_the_same_exposure_are_zero(name):
    model = build_model(name, exposure_range=RANGE)
    rows = contrast(model, X, X, some_shape(name))
    assert np.all(rows == 0)


@pytest.mark.parametrize("name", MEMBERS)
def test_an_unexposed_reference_takes_nothing_off(name):
    model = build_model(name, exposure_range=RANGE)
    shape = some_shape(name)
    mixed = contrast(model, X, np.array([np.nan, 2.0, np.nan, 2.0, np.nan]), shape)
    alone = contrast(model, X, np.full(5, np.nan), shape)
    assert mixed[:, [0, 2, 4]] == pytest.approx(alone[:, [0, 2, 4]])
    low = contrast(model, np.full(5, 2.0), np.full(5, np.nan), shape)
    assert mixed[:, [1, 3]] == pytest.approx((alone - low)[:, [1, 3]])


def test_slopes_are_per_whole_range():
    assert mean_function("linear").columns(np.array(RANGE), {}, RANGE)[:, 1] == pytest.approx([0, 1])
    kink = mean_function("kink").columns(np.array([12.0]), {"threshold": np.array(7.0)}, RANGE)
    assert kink[0] == pytest.approx([1, 1, 0.5])


@pytest.mark.parametrize("name", ["step", "step_slope", "cliff"])
def test_an_exposure_equal_to_the_threshold_lies_below_it(name):
    mean = mean_function(name)
    jump = [c.name for c in mean.coefficients].index("jump")
    rows = mean.columns(np.array([7.0, 7.0 + 1e-9]), {"threshold": np.array(7.0)}, RANGE)
    assert rows[:, jump] == pytest.approx([0, 1])


def test_the_step_is_the_limit_of_the_logistic():
    shape = {"threshold": np.array(6.0), "width": np.array(1e-4)}
    assert mean_function("logistic").columns(X, shape, RANGE) == pytest.approx(
        mean_function("step").columns(X, shape, RANGE), abs=1e-12
    )


def test_ten_to_ninety_per_cent_takes_4_394_widths():
    shape = {"threshold": np.array(6.0), "width": np.array(1.3)}
    at = 6.0 + np.array([-0.5, 0.5]) * 2 * np.log(9) * 1.3
    assert mean_function("logistic").columns(at, shape, RANGE)[:, 1] == pytest.approx([0.1, 0.9])


def test_the_cliff_of_the_levels_is_a_difference_of_differences():
    model = build_model("levels", exposure_range=(0, 10))
    shape = {"lower": np.array([3.5]), "upper": np.array([6.5])}
    a, b, c = contrast(model, np.array([2.0, 5.0, 8.0]), np.full(3, np.nan), shape)[0]
    assert (c - b) - (b - a) == pytest.approx([0, 0, 1])
    assert model.family == "apart"


def test_spline_modes_are_orthonormal_and_orthogonal_to_lines():
    s = np.linspace(0, 1, 20001)
    weights = np.full(s.size, 1 / (s.size - 1))
    weights[[0, -1]] /= 2
    modes = spline.modes(s)
    assert modes.T @ (weights[:, None] * modes) == pytest.approx(np.eye(spline.MODES), abs=1e-5)
    assert np.stack([np.ones_like(s), s]) @ (weights[:, None] * modes) == pytest.approx(0, abs=1e-5)
    assert np.cosh(spline.wave_numbers()[:3]) * np.cos(spline.wave_numbers()[:3]) == pytest.approx(1, abs=1e-9)


def test_spline_amplitude_is_the_root_mean_square_departure():
    s = np.linspace(2, 12, 4001)
    waves = mean_function("spline").columns(s, {"amplitude": np.array(0.2)}, RANGE)[:, 2:]
    assert np.sqrt((waves**2).sum(axis=1).mean()) == pytest.approx(0.2, rel=2e-3)


def test_gaussian_process_has_its_covariance_at_the_points_it_is_held_at():
    x = np.linspace(*RANGE, gp.POINTS)
    shape = {"length_scale": np.array(4.0), "amplitude": np.array(0.3)}
    waves = mean_function("gp").columns(x, shape, RANGE)[:, 1:]
    wanted = 0.09 * gp.matern((x[:, None] - x) / 4.0)
    assert waves @ waves.T == pytest.approx(wanted, abs=1e-8)


def test_gaussian_process_is_nearly_right_between_its_points():
    x = np.linspace(*RANGE, 201)
    shape = {"length_scale": np.array(2.0), "amplitude": np.array(1.0)}  # the shortest length allowed
    waves = mean_function("gp").columns(x, shape, RANGE)[:, 1:]
    assert (waves**2).sum(axis=1) == pytest.approx(1.0, abs=0.05)


def test_matern_correlation_against_its_formula():
    assert gp.matern(np.array([0.0, 1.0])) == pytest.approx([1.0, (1 + 5**0.5 + 5 / 3) * np.exp(-(5**0.5))])
