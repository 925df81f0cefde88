"""Models are data: built from defaults and a spec, serialised, fingerprinted, refused with a reason."""

import json

import numpy as np
import pytest

from metaanalysis.effects.table import table_from_arrays
from metaanalysis.errors import InputError
from metaanalysis.models import priors
from metaanalysis.models.design import design
from metaanalysis.models.model import Covariate, build_model

RANGE = (0.0, 10.0)
UNIT = {"family": "normal", "mean": 0, "sd": 1, "reason": "test"}
HALF = {"family": "half_normal", "scale": 0.4, "reason": "test"}


def full_model():
    return build_model(
        "step_slope",
        exposure_range=RANGE,
        priors={"slope": UNIT, "bend": UNIT},
        heterogeneity={
            "between": HALF,
            "within": 0.1,
            "sample": HALF,
            "bias": {"prior": HALF, "column": "design", "classes": ["before_after"]},
        },
        covariates=[
            {"kind": "categorical", "column": "stage", "prior": UNIT, "baseline": "task"},
            {"kind": "numeric", "column": "year", "centre": 2025},
            {"kind": "se"},
        ],
    )


def test_a_model_is_its_mapping():
    model = full_model()
    plain = json.loads(json.dumps(model.to_mapping()))
    again = build_model(
        plain["mean"],
        exposure_range=tuple(plain["exposure_range"]),
        priors=plain["priors"],
        heterogeneity=plain["heterogeneity"],
        covariates=plain["covariates"],
    )
    assert again == model
    assert again.fingerprint == model.fingerprint


def test_the_fingerprint_sees_every_prior():
    model = full_model()
    assert model.fingerprint != model.widened(2).fingerprint
    assert model.fingerprint != build_model("step_slope", exposure_range=RANGE).fingerprint


def test_widening_leaves_intercept_shape_and_heterogeneity_alone():
    model = full_model().widened(2)
    assert model.coefficients["slope"]["sd"] == 2
    assert model.coefficients["jump"]["sd"] == 1
    assert model.coefficients["intercept"] == full_model().coefficients["intercept"]
    assert model.shapes == full_model().shapes
    assert model.heterogeneity == full_model().heterogeneity
    spline = build_model("spline", exposure_range=RANGE).widened(2)
    assert spline.shapes["amplitude"]["scale"] == pytest.approx(0.4)


def test_widening_a_spline_does_not_count_twice():
    """Coefficients that are standardised carry no size: only the amplitude is widened."""
    spline = build_model("spline", exposure_range=RANGE)
    assert spline.widened(2).coefficients["wave_1"] == spline.coefficients["wave_1"]
    assert spline.widened(2).coefficients["slope"]["sd"] == 2 * spline.coefficients["slope"]["sd"]


def test_a_prior_for_another_member_of_the_family_is_ignored():
    model = build_model("flat", exposure_range=RANGE, priors={"jump": UNIT, "intercept": UNIT})
    assert list(model.coefficients) == ["intercept"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exposure_range": (5, 5)}, "not below"),
        ({"priors": {"slop": UNIT}}, "no mean function has this parameter"),
        ({"priors": {"slope": 0.3}}, "is not a prior"),
        ({"priors": {"slope": HALF}}, "cannot have a half_normal prior"),
        ({"priors": {"threshold": {"family": "flat", "reason": "test"}}}, "improper"),
        ({"heterogeneity": {"between": UNIT}}, "cannot be the prior of a standard deviation"),
        ({"heterogeneity": {"between": -0.1}}, "cannot be the prior of a standard deviation"),
        ({"heterogeneity": {"across": HALF}}, "no such level"),
        ({"heterogeneity": {"bias": {"prior": HALF}}}, "column and classes are needed"),
        ({"covariates": [{"kind": "factor", "column": "stage"}]}, "unknown"),
        ({"covariates": [{"kind": "numeric"}]}, "column is needed"),
        ({"covariates": [{"kind": "se", "column": "stage"}]}, "column is needed"),
    ],
)
def test_impossible_models_are_refused(changes, message):
    arguments = {"exposure_range": RANGE, **changes}
    with pytest.raises(InputError, match=message):
        build_model("step_slope", **arguments)


def table(**columns):
    return table_from_arrays(
        [0.1, 0.2, 0.3], [0.01, 0.04, 0.09], [1, 5, 8], exposure_range=RANGE,
        columns={name: np.array(values) for name, values in columns.items()},
    )  # fmt: skip


def test_covariates_become_columns():
    model = build_model(
        "flat",
        exposure_range=RANGE,
        covariates=[
            Covariate("categorical", "stage"),
            Covariate("numeric", "year", centre=2025),
            Covariate("se"),
            Covariate("variance"),
        ],
    )
    plan = design(model, table(stage=["task", "release", "task"], year=[2024, 2025, 2026]))
    assert plan.names == ("intercept", "stage=release", "year", "se", "variance")
    assert plan.covariates == pytest.approx(np.array([[0, -1, 0.1, 0.01], [1, 0, 0.2, 0.04], [0, 1, 0.3, 0.09]]))


@pytest.mark.parametrize(
    ("covariate", "message"),
    [
        (Covariate("numeric", "year"), "no such column"),
        (Covariate("numeric", "stage"), "not numeric"),
        (Covariate("numeric", "gap"), "row 2 has no value"),
        (Covariate("categorical", "stage", baseline="commit"), "does not occur"),
    ],
)
def test_unusable_covariates_are_refused(covariate, message):
    model = build_model("flat", exposure_range=RANGE, covariates=[covariate])
    with pytest.raises(InputError, match=message):
        design(model, table(stage=["task", "release", "task"], gap=[1.0, np.nan, 2.0]))


def test_the_family_is_the_side_of_the_question():
    sides = {name: build_model(name, exposure_range=RANGE).family for name in ("kink", "gp", "cliff", "levels")}
    assert sides == {"kink": "continuous", "gp": "continuous", "cliff": "discontinuous", "levels": "apart"}


def test_improper_priors_are_recognised():
    model = build_model("linear", exposure_range=RANGE, priors={"slope": priors.flat(reason="test")})
    assert not model.proper
    assert full_model().proper
