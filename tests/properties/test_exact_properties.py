"""Properties of the exact engine that hold on every table: symmetries, limits, and honest numerical errors.

Log evidence is compared to 2e-6: both sides carry the engine's error bound of 1e-6.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines import exact
from metaanalysis.models import priors
from metaanalysis.models.model import Model, build_model

RANGE = (0.0, 10.0)
BOTH = 2e-6
WHY = "test"
FAST = settings(deadline=None, max_examples=40)
NAMES = ["linear", "step", "kink", "step_slope"]


@st.composite
def tables(draw) -> EffectTable:
    """Between four and nine effects of at least two studies at two or more exposures, some of them contrasts."""
    count = draw(st.integers(4, 9))
    cells = st.integers(0, 20).map(lambda i: i / 2)
    x = np.array(draw(st.lists(cells, min_size=count, max_size=count)))
    x[0], x[1] = 2.0, 8.0
    contrasted = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    contrasted[0] = contrasted[1] = False
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    owner = np.sort(rng.integers(0, 4, count))
    owner[0], owner[-1] = 0, 4
    return table_from_arrays(
        rng.normal(0.1, 0.4, count),
        rng.uniform(0.05, 0.4, count) ** 2,
        x,
        x0=np.where(contrasted, np.maximum(x - 2, 0), np.nan),
        study=[f"s{i}" for i in owner],
        rho=draw(st.sampled_from([0.0, 0.6])),
        exposure_range=RANGE,
    )


def model(name: str, scale: float = 1.0, *, exposure_range=RANGE, **changes) -> Model:
    """A member whose priors are `scale` times as wide everywhere."""
    unit = priors.normal(0, 0.5 * scale, reason=WHY)
    return build_model(
        name,
        exposure_range=exposure_range,
        priors=dict.fromkeys(["intercept", "slope", "jump", "bend", "rise"], unit),
        heterogeneity={
            "between": priors.half_normal(0.3 * scale, reason=WHY),
            "within": priors.half_normal(0.2 * scale, reason=WHY),
        },
        **changes,
    )


def evidence(chosen: Model, table: EffectTable, **options) -> float:
    return exact.log_evidence(chosen, table, **options).value


@FAST
@given(tables(), st.sampled_from([*NAMES, "cliff", "saturating"]))
def test_flipping_the_sign_flips_the_coefficients(table, name):
    flipped = replace(table, y=-table.y)
    before, after = exact.fit(model(name), table), exact.fit(model(name), flipped)
    assert after.log_evidence.value == pytest.approx(before.log_evidence.value, abs=BOTH)
    last = before.model.mean.coefficients[-1].name
    assert after.marginal(last).mean == pytest.approx(-before.marginal(last).mean, abs=1e-4)


@FAST
@given(tables(), st.sampled_from(NAMES), st.floats(0.05, 20))
def test_rescaling_effects_and_priors_shifts_the_evidence_by_the_jacobian(table, name, factor):
    scaled = replace(table, y=factor * table.y, blocks=tuple(factor**2 * block for block in table.blocks))
    expected = evidence(model(name), table) - len(table) * np.log(factor)
    assert evidence(model(name, factor), scaled) == pytest.approx(expected, abs=BOTH)


@FAST
@given(tables(), st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_the_order_of_studies_does_not_matter(table, name, random):
    studies = list(table.studies)
    random.shuffle(studies)
    order = [i for study in studies for i, own in enumerate(table.study) if own == study]
    blocks = dict(zip(table.studies, table.blocks, strict=True))
    shuffled = replace(
        table,
        study=tuple(table.study[i] for i in order),
        sample=tuple(table.sample[i] for i in order),
        effect=tuple(table.effect[i] for i in order),
        y=table.y[order],
        x=table.x[order],
        x0=table.x0[order],
        blocks=tuple(blocks[study] for study in studies),
    )
    assert evidence(model(name), shuffled) == pytest.approx(evidence(model(name), table), abs=1e-9)


@FAST
@given(tables(), st.sampled_from(NAMES), st.floats(-3, 3))
def test_an_infinitely_imprecise_study_changes_nothing(table, name, y):
    sd = 1e5
    longer = table_from_arrays(
        [*table.y, y], [*table.v, sd**2], [*table.x, 5.0], x0=[*table.x0, np.nan],
        study=[*table.study, "vague"], exposure_range=RANGE,
    )  # fmt: skip
    base = replace(longer, **{
        field: getattr(table, field) for field in ("study", "sample", "effect", "y", "x", "x0")
    }, blocks=longer.blocks[:-1])  # fmt: skip
    expected = evidence(model(name), base) - 0.5 * np.log(2 * np.pi * sd**2)
    assert evidence(model(name), longer) == pytest.approx(expected, abs=BOTH)


@FAST
@given(tables(), st.sampled_from(NAMES))
def test_heterogeneity_towards_zero_gives_the_fixed_effect_model(table, name):
    tiny = build_model(
        name,
        exposure_range=RANGE,
        heterogeneity={
            "between": priors.half_normal(1e-7, reason=WHY),
            "within": priors.half_normal(1e-7, reason=WHY),
        },
    )
    none = build_model(name, exposure_range=RANGE, heterogeneity={"between": 0, "within": 0})
    assert evidence(tiny, table) == pytest.approx(evidence(none, table), abs=BOTH)


@FAST
@given(tables(), st.sampled_from([("step", "flat"), ("step_slope", "linear"), ("kink", "linear")]))
def test_a_threshold_beyond_the_data_gives_the_model_without_it(table, pair):
    name, without = pair
    capped = replace(table, x=np.minimum(table.x, 8.0), x0=np.minimum(table.x0, 8.0))
    beyond = model(name).shapes | {"threshold": priors.uniform(8.5, 10, reason=WHY)}
    fit = exact.fit(replace(model(name), shapes=beyond), capped, allow_unidentified=True)
    assert fit.log_evidence.value == pytest.approx(evidence(model(without), capped), abs=BOTH)
    assert fit.threshold_beyond() == pytest.approx(1, abs=1e-9)


@FAST
@given(tables(), st.sampled_from([*NAMES, "saturating", "levels"]), st.floats(-50, 50))
def test_shifting_the_exposure_and_its_range_changes_nothing(table, name, shift):
    moved = replace(table, x=table.x + shift, x0=table.x0 + shift, exposure_range=(RANGE[0] + shift, RANGE[1] + shift))
    there = model(name, exposure_range=moved.exposure_range)
    options = {"allow_unidentified": True}
    expected = evidence(model(name), table, **options)
    assert evidence(there, moved, **options) == pytest.approx(expected, abs=BOTH)


@settings(deadline=None, max_examples=15)
@given(tables(), st.sampled_from(["linear", "kink", "cliff", "saturating", "logistic"]))
def test_refining_moves_nothing_beyond_the_stated_error(table, name):
    loose = exact.log_evidence(model(name), table, tolerance=1e-5)
    tight = exact.log_evidence(model(name), table, tolerance=1e-9)
    assert loose.error <= 1e-5
    assert tight.error <= 1e-9
    assert abs(loose.value - tight.value) <= loose.error + tight.error


@settings(deadline=None, max_examples=15)
@given(tables(), st.sampled_from(NAMES))
def test_probabilities_and_quantiles_invert_each_other(table, name):
    fit = exact.fit(model(name), table)
    p = np.array([0.01, 0.2, 0.5, 0.9])
    for parameter in fit.parameters:
        marginal = fit.marginal(parameter)
        assert marginal.probability_below(marginal.quantile(p)) == pytest.approx(p, abs=1e-8)


@settings(deadline=None, max_examples=15)
@given(tables(), st.sampled_from(["step", "kink", "step_slope", "cliff"]))
def test_the_gaps_hold_all_of_the_threshold(table, name):
    fit = exact.fit(model(name), table)
    for column in ("probability", "prior"):
        assert sum(gap[column] for gap in fit.threshold_gaps()) == pytest.approx(1, abs=1e-6)


@settings(deadline=None, max_examples=15)
@given(tables(), st.sampled_from(NAMES))
def test_draws_have_the_moments_of_the_posterior(table, name):
    """Means within five Monte Carlo standard errors; heterogeneity is drawn only to the width of a cell."""
    fit = exact.fit(model(name), table)
    draws = fit.draws(4000, seed=1)
    assert tuple(draws) == fit.parameters
    for parameter in fit.model.coefficients:
        marginal = fit.marginal(parameter)
        assert draws[parameter].mean() == pytest.approx(marginal.mean, abs=5 * marginal.sd / np.sqrt(4000) + 1e-4)
        assert draws[parameter].std() == pytest.approx(marginal.sd, rel=0.15)
