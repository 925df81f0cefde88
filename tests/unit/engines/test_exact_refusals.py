"""What the exact engine refuses: every refusal names what is wrong and what to do, and is an input error."""

from dataclasses import replace

import numpy as np
import pytest

from metaanalysis.compare import compare
from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines import exact
from metaanalysis.errors import InputError, NumericalError, UnsupportedError
from metaanalysis.models import priors
from metaanalysis.models.model import build_model

RANGE = (0.0, 10.0)
WHY = "test"


def table(x=(1, 3, 5, 7, 8), study="aabcd", **changes) -> EffectTable:
    made = table_from_arrays(
        np.linspace(0.1, 0.5, len(x)), np.full(len(x), 0.04), x, study=list(study), rho=0.3, exposure_range=RANGE,
        columns={"design": np.array(["rct", "other", "rct", "rct", "before_after"][: len(x)])}, name="table.csv",
    )  # fmt: skip
    return replace(made, **changes)


def model(name="step", **changes):
    return build_model(name, exposure_range=RANGE, **changes)


def blocks(first: np.ndarray) -> tuple[np.ndarray, ...]:
    return (first, *table().blocks[1:])


CASES = {
    "an estimate that is not finite": (model(), table(y=np.array([np.nan, 0, 0, 0, 0])), "not a finite number"),
    "a variance of zero": (model(), table(blocks=blocks(np.diag([0.0, 1.0]))), "variance of a/row 1 is 0"),
    "a negative variance": (model(), table(blocks=blocks(np.diag([-1.0, 1.0]))), "is -1"),
    "an infinite variance": (model(), table(blocks=blocks(np.diag([np.inf, 1.0]))), "is inf"),
    "a singular covariance": (model(), table(blocks=blocks(np.full((2, 2), 0.04))), "not positive definite"),
    "an indefinite covariance": (
        model(),
        table(blocks=blocks(np.array([[0.04, 0.05], [0.05, 0.04]]))),
        "covariance of a is not positive definite",
    ),
    "an asymmetric covariance": (
        model(),
        table(blocks=blocks(np.array([[0.04, 0.01], [0.02, 0.04]]))),
        "not positive definite",
    ),
    "a missing exposure": (model(), replace(table(), x=np.array([1, 3, np.nan, 7, 8])), "row 3 has no exposure"),
    "an exposure off the scale": (model(), table(x=(1, 3, 5, 7, 11)), "exposure 11 of d/row 5 is outside"),
    "a single study": (model("linear"), table(study="aaaaa"), "one study cannot identify"),
    "a single effect": (
        model("flat", heterogeneity={"between": 0.1}),
        table(x=(1,), study="a"),
        "one effect cannot identify",
    ),
    "a sample level without samples": (
        model(heterogeneity={"sample": priors.half_normal(0.1, reason=WHY)}),
        table(),
        "no study has more than one sample",
    ),
    "equal exposures": (model("linear"), table(x=(4, 4, 4, 4, 4)), "every exposure is 4"),
    "exposures above every threshold": (
        model(priors={"threshold": priors.uniform(0, 0.5, reason=WHY)}),
        table(),
        "lie on one side of every threshold",
    ),
    "exposures below every threshold": (
        model("kink", priors={"threshold": priors.uniform(8, 10, reason=WHY)}),
        table(),
        "lie on one side of every threshold",
    ),
    "a level without exposures": (model("levels"), table(x=(1, 3, 5, 6, 6)), "lie on one side of every upper"),
    "a covariate that is missing": (
        model("flat", covariates=[{"kind": "numeric", "column": "year"}]),
        table(),
        "no such column",
    ),
    "a bias column that is missing": (
        model(heterogeneity={"bias": {"prior": priors.half_normal(1, reason=WHY), "column": "kind", "classes": ["x"]}}),
        table(),
        "no column 'kind'",
    ),
    "a bias class that does not occur": (
        model(
            heterogeneity={"bias": {"prior": priors.half_normal(1, reason=WHY), "column": "design", "classes": ["x"]}}
        ),
        table(study="abcde"),
        "no study has design in x",
    ),
    "a bias column that varies within a study": (
        model(
            heterogeneity={
                "bias": {"prior": priors.half_normal(1, reason=WHY), "column": "design", "classes": ["other"]}
            }
        ),
        table(),
        "varies within a study",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_with_reason_and_remedy(case):
    chosen, data, message = CASES[case]
    support = exact.supports(chosen, data)
    assert not support.ok
    assert support.remedy
    with pytest.raises(UnsupportedError, match=message) as caught:
        exact.fit(chosen, data)
    assert isinstance(caught.value, InputError)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith("table.csv: ")


def test_a_supported_model_is_supported():
    assert exact.supports(model(), table()).ok


def test_one_study_is_fine_with_known_heterogeneity():
    fit = exact.fit(model("linear", heterogeneity={"between": 0, "within": 0.1}), table(study="aaaaa"))
    assert fit.log_evidence is not None


def test_unidentified_models_can_be_forced():
    forced = exact.fit(
        model(priors={"threshold": priors.uniform(8.5, 10, reason=WHY)}), table(), allow_unidentified=True
    )
    jump = forced.marginal("jump")
    assert jump.mean == pytest.approx(0, abs=1e-9)
    assert jump.sd == pytest.approx(0.5, abs=1e-9)
    assert forced.threshold_beyond() == pytest.approx(1.0)


def test_evidence_under_an_improper_prior_is_refused():
    improper = model("linear", priors={"slope": priors.flat(reason=WHY)})
    assert exact.fit(improper, table()).log_evidence is None
    with pytest.raises(UnsupportedError, match="slope is improper"):
        exact.log_evidence(improper, table())
    with pytest.raises(UnsupportedError, match="slope is improper"):
        compare(table(), [improper])


def test_improper_priors_without_identification_are_a_numerical_error():
    improper = model(priors={"jump": priors.flat(reason=WHY), "threshold": priors.uniform(7.5, 10, reason=WHY)})
    with pytest.raises(NumericalError, match="not identified under improper priors"):
        exact.fit(improper, table(x=(1, 3, 5, 7, 8)))


def test_an_unreachable_tolerance_is_a_numerical_error():
    with pytest.raises(NumericalError, match="still moves the log evidence"):
        exact.fit(model("logistic"), table(), tolerance=1e-18)
