"""The words of the conclusion, held at every boundary they turn on."""

import math

import pytest

from metaanalysis import verdict
from metaanalysis.verdict import BANDS, Evidence

INCONCLUSIVE = Evidence(BANDS[0], "neither")
WIDTHS = {"width.lower": 1.0, "width.upper": 2.0, "width.prior.lower": 0.1, "width.prior.upper": 100.0}


@pytest.mark.parametrize(
    ("bf", "name"),
    [
        (1.0, "inconclusive"),
        (2.999, "inconclusive"),
        (3.0, "moderate"),
        (9.99, "moderate"),
        (10.0, "strong"),
        (29.9, "strong"),
        (30.0, "very strong"),
        (99.9, "very strong"),
        (100.0, "extreme"),
        (1e300, "extreme"),
    ],
)
def test_bands_open_at_their_boundary_in_both_directions(bf: float, name: str) -> None:
    assert verdict.band(math.log(bf)).name == name
    assert verdict.band(-math.log(bf)).name == name
    assert verdict.band(math.log(1 / bf)).name == name


def test_a_boundary_inside_the_numerical_error_falls_to_the_weaker_band() -> None:
    assert verdict.band(math.log(3.0) + 0.01, error=0.005).name == "moderate"
    assert verdict.band(math.log(3.0) + 0.01, error=0.02).name == "inconclusive"
    assert verdict.band(0.5, error=2.0).name == "inconclusive"


@pytest.mark.parametrize(("log_bf", "error"), [(math.nan, 0.0), (1.0, math.nan), (1.0, -1.0)])
def test_no_words_for_what_is_no_number(log_bf: float, error: float) -> None:
    with pytest.raises(ValueError, match="no evidence band"):
        verdict.band(log_bf, error=error)


def test_an_infinite_bayes_factor_is_extreme() -> None:
    assert verdict.band(math.inf).name == "extreme"


def test_direction_follows_the_sign_and_only_outside_the_weakest_band() -> None:
    assert verdict.evidence(math.log(4)).direction == "discontinuous"
    assert verdict.evidence(-math.log(4)).direction == "continuous"
    assert verdict.evidence(math.log(2)) == INCONCLUSIVE
    assert verdict.evidence(0.0) == INCONCLUSIVE


def test_the_weakest_point_of_the_grid_decides() -> None:
    strong, moderate = verdict.evidence(math.log(20)), verdict.evidence(math.log(4))
    assert verdict.weakest([strong, moderate, strong]) == moderate
    assert verdict.weakest([strong, INCONCLUSIVE]) == INCONCLUSIVE


def test_opposite_directions_on_the_grid_tell_nothing_however_strong() -> None:
    assert verdict.weakest([verdict.evidence(math.log(50)), verdict.evidence(-math.log(50))]) == INCONCLUSIVE


def test_an_empty_grid_is_no_evidence() -> None:
    with pytest.raises(ValueError, match="grid of prior scales is empty"):
        verdict.weakest([])


@pytest.mark.parametrize(
    ("bf", "ratio", "found"),
    [
        (10.0, 0.3, "sharp"),
        (0.1, 0.3, "gradual"),
        (3.0, verdict.NARROWED, "sharp"),
        (3.0, verdict.NARROWED + 1e-9, "not identified"),
        (2.99, 0.1, "not identified"),
        (1000.0, 0.9, "not identified"),
        (1000.0, None, "not identified"),
    ],
)
def test_sharpness_needs_both_the_evidence_and_a_narrowed_width(bf: float, ratio: float | None, found: str) -> None:
    assert verdict.sharpness(math.log(bf), ratio) == found


def test_a_precisely_located_threshold_is_no_evidence_of_sharpness() -> None:
    """BCG trials: 84 % of the step's mass in one gap, and a Bayes factor of step against logistic of 0.97."""
    numbers = {"threshold.gap.probability": 0.84, "sharp.log_bf": math.log(0.97), **WIDTHS}
    assert verdict.texts(numbers, [(0.5, 0.0)])["verdict.sharpness"] == "not identified"


def test_width_ratio_compares_lengths_on_the_log_scale() -> None:
    assert verdict.width_ratio(WIDTHS) == pytest.approx(math.log(2) / math.log(1000))
    assert verdict.width_ratio({**WIDTHS, "width.lower": None}) is None
    assert verdict.width_ratio({**WIDTHS, "width.lower": 0.0}) is None
    assert verdict.width_ratio({**WIDTHS, "width.prior.upper": 0.1}) is None
    assert verdict.width_ratio({}) is None


@pytest.mark.parametrize(
    ("bf", "words"),
    [
        (1.0, "even"),
        (1.04, "even"),
        (2.3, "2.3 to 1 for a discontinuity"),
        (1 / 2.3, "2.3 to 1 for a continuous curve"),
        (25.4, "25 to 1 for a discontinuity"),
        (1e9, "more than 1000 to 1 for a discontinuity"),
    ],
)
def test_odds_in_words(bf: float, words: str) -> None:
    assert verdict.odds(math.log(bf)) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-math.log(1.7), -math.log(1.1), "between 1.1 and 1.7 to 1 for a continuous curve"),
        (math.log(2), math.log(20), "between 2.0 and 20 to 1 for a discontinuity"),
        (-math.log(4), math.log(2), "from 4.0 to 1 for a continuous curve to 2.0 to 1 for a discontinuity"),
        (-math.log(4), 0.0, "from 4.0 to 1 for a continuous curve to even"),
        (math.log(3.01), math.log(3.02), "3.0 to 1 for a discontinuity"),
    ],
)
def test_ranges_of_odds_in_words(low: float, high: float, words: str) -> None:
    assert verdict.odds_range(low, high) == words


def test_the_answer_names_a_side_only_if_the_whole_grid_does() -> None:
    one_side = verdict.texts({"bf.discontinuous": 0.02}, [(-math.log(40), 0.0), (-math.log(5), 0.0)])
    assert one_side["verdict.band"] == "moderate"
    assert one_side["verdict.direction"] == "continuous"
    assert one_side["verdict.declared.band"] == "very strong"
    assert "favours a continuous curve" in str(one_side["verdict.answer"])
    assert "moderate" in str(one_side["verdict.answer"])
    mixed = verdict.texts({"bf.discontinuous": 40.0}, [(math.log(40), 0.0), (math.log(2), 0.0)])
    assert mixed["verdict.direction"] == "neither"
    assert "does not tell" in str(mixed["verdict.answer"])


def test_the_answers_to_mirrored_evidence_are_mirrored() -> None:
    for band in BANDS[1:]:
        up = verdict.answer(Evidence(band, "discontinuous"))
        down = verdict.answer(Evidence(band, "continuous"))
        assert len(up) == len(down)
        assert up.split("; ")[1] == down.split("; ")[1]


def test_without_families_there_is_an_answer_that_says_so() -> None:
    found = verdict.texts({}, [])
    assert found["verdict.band"] == "not tested"
    assert "says nothing about a threshold" in str(found["verdict.answer"])
    assert found["verdict.odds.declared"] is None
    assert found["verdict.sharpness"] == "not tested"


def test_the_error_of_the_declared_bayes_factor_is_its_own_not_its_logs() -> None:
    found = verdict.texts({"bf.discontinuous": 3.1, "bf.error": 0.2}, [(math.log(3.1), 0.0)])
    assert found["verdict.band"] == "moderate"
    assert found["verdict.declared.band"] == "inconclusive"


def test_variants_are_compared_with_the_declared_analysis() -> None:
    variants = [("main", -0.6, 0.0), ("coder A", -0.5, 0.0), ("no vendor", -1.3, 0.0), ("ρ", 1.2, 0.0)]
    found = verdict.over_variants(variants)
    assert found["verdict.variants"] == 3
    assert found["verdict.variants.changed"] == 2
    assert found["verdict.variants.names"] == "no vendor; ρ"
    assert verdict.over_variants([])["verdict.variants"] == 0
