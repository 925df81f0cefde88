"""Analysis specs: wrong ones are refused with the field and the remedy."""

from pathlib import Path

import pytest

from metaanalysis.errors import InputError
from metaanalysis.spec import ANALYSES, find_specs, load_spec

SPEC = (ANALYSES / "practice.toml").read_text(encoding="utf-8")


def load(text: str, folder: Path) -> None:
    path = folder / "made_up.toml"
    path.write_text(text, encoding="utf-8")
    load_spec(path)


@pytest.mark.parametrize("path", sorted(ANALYSES.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_specs_load(path: Path) -> None:
    spec = load_spec(path)
    assert spec.name == path.stem
    assert all("reason" in prior for prior in spec.priors.values())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("question =", "qestion =", ("qestion", "question")),
        ("low = 0\n", "low = 20\n", ("exposure", "low must be below high")),
        ("scales = [0.25, 0.5, 1, 2, 4]", "scales = [0.25, 0.5, 2]", ("grid", "multiplier 1")),
        ("scales = [0.25, 0.5, 1, 2, 4]", "scales = [0, 1, 2]", ("grid.scales", "greater than 0")),
        ('"flat", "linear"', '"flat", "flat", "linear"', ("listed twice",)),
        ("rho = 0.6", "rho = 1.6", ("table.rho", "less than 1")),
        ('source = "studies"', 'source = "csv"', ("csv table needs path",)),
        ('roles = ["primary"]', 'roles = ["main"]', ("roles", "'main'")),
    ],
)
def test_wrong_specs_are_refused(old: str, new: str, words: tuple[str, ...], tmp_path: Path) -> None:
    assert old in SPEC
    with pytest.raises(InputError) as caught:
        load(SPEC.replace(old, new, 1), tmp_path)
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_analysis_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="practice"):
        find_specs(["practise"])
