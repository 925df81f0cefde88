"""The shipped dataset: it loads, is silent under `check`, and holds what the report says it holds."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaanalysis.studies.benchmarks import load_moments, load_submissions, metr_regression
from metaanalysis.studies.claims import load_claims
from metaanalysis.studies.codings import load_codings
from metaanalysis.studies.load import DATA, load_studies
from metaanalysis.studies.schema import Study


@pytest.fixture(scope="module")
def studies() -> dict[str, Study]:
    return load_studies()


def test_check_is_silent(command: Any) -> None:
    outcome = command("check")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_size(studies: dict[str, Study]) -> None:
    assert len(studies) >= 170
    assert sum(len(study.effects) for study in studies.values()) > 1000


def test_every_excluded_study_says_why(studies: dict[str, Study]) -> None:
    excluded = [study for study in studies.values() if study.excluded]
    assert 50 < len(excluded) < len(studies)
    assert all(len(study.excluded.reason) > 10 for study in excluded if study.excluded)


def test_every_estimate_has_a_place_and_a_source(studies: dict[str, Study]) -> None:
    for study in studies.values():
        cited = study.citation
        source = cited.doi or cited.arxiv or cited.url or cited.venue
        for effect in study.effects:
            assert source or effect.seen_at, f"{study.key}/{effect.id}"


def test_no_working_pointers_are_left() -> None:
    for path in sorted((DATA / "studies").glob("*.toml")):
        text = path.read_text(encoding="utf-8").lower()
        for phrase in ("indexed copy", "public repository copy", "the extractor", "packet"):
            assert phrase not in text, f"{path.name}: {phrase}"


def test_both_coders_cover_the_same_studies(studies: dict[str, Study]) -> None:
    codings = load_codings()
    by_coder = {coder.name: {key[1] for key in codings.records if key[0] == coder.name} for coder in codings.coders}
    first, second = by_coder.values()
    assert first == second
    assert first <= set(studies)
    assert all(coder.kind == "automated" and coder.blind for coder in codings.coders)


def test_an_arm_without_ai_has_no_treated_exposure(studies: dict[str, Study]) -> None:
    bare = [(s.key, e.id) for s in studies.values() for e in s.effects if e.treated == "no_ai"]
    assert ("daniotti2026", "placebo_pre2022") in bare


def test_claims() -> None:
    claims = load_claims()
    assert len(claims) == 50
    assert Counter(claim.group for claim in claims)["article"] == 19


def test_swebench() -> None:
    """Counts of the snapshot of 2025-12-10: splits and a matched pair quoted in the literature."""
    submissions = load_submissions()
    assert Counter(s.split for s in submissions) == {"Verified": 162, "Lite": 84, "Test": 23, "Multimodal": 22}
    verified = {s.entry: s.resolved_percent for s in submissions if s.split == "Verified"}
    assert verified["RAG + GPT 4 (1106)"] == pytest.approx(2.8)
    assert verified["SWE-agent + GPT 4 (1106)"] == pytest.approx(22.4)


def test_metr_regression_is_the_published_one() -> None:
    """Becker et al. 2025 (arXiv:2507.09089), repository README: 0.188 (0.013, 0.395); clustered (0.016, 0.390).

    Tolerance: half a unit of the last printed digit; the moments are exact sums, so nothing else is lost.
    """
    regression = metr_regression(load_moments())
    assert np.round(regression.percent(), 3) == pytest.approx((0.188, 0.013, 0.395), abs=1e-9)
    assert np.round(regression.percent(clustered=True), 3) == pytest.approx((0.188, 0.016, 0.390), abs=1e-9)
    assert (regression.n, regression.clusters) == (246, 16)


def test_loading_is_pure(tmp_path: Path) -> None:
    before = sorted(p.name for p in (DATA / "studies").iterdir())
    load_studies()
    assert before == sorted(p.name for p in (DATA / "studies").iterdir())
