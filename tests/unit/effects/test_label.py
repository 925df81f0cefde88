"""Short labels of studies."""

import pytest

from metaanalysis.effects.label import label, labels


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        (["Ada Example"], "Example 2025"),
        (["Ada Example", "Ben B. Other"], "Example & Other 2025"),
        (["Ada Example", "Ben Other", "Cy Third"], "Example et al. 2025"),
        (["Ada Example and colleagues (list not seen)"], "Example et al. 2025"),
        (["Ada Example", "et al."], "Example et al. 2025"),
        (["Example, A. B.", "Other, C."], "Example & Other 2025"),
        (["Ludwig van Example"], "van Example 2025"),
        (["Made-up Research Lab"], "Made-up Research Lab 2025"),
        (["Department for Examples (UK)"], "Department for Examples 2025"),
        (["EY"], "EY 2025"),
    ],
)
def test_labels(study, authors, expected):
    citation = {"authors": authors, "year": 2025, "title": "T"}
    assert label(study("s", citation=citation)) == expected


def test_equal_labels_get_letters_in_the_order_of_the_keys(study):
    studies = {key: study(key) for key in ("z", "a")}
    assert labels(studies) == {"a": "Example 2025a", "z": "Example 2025b"}
