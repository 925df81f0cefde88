"""References are set from the studies' records."""

import pytest

from metaanalysis.citations import author, citations, cite, initials, listed


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Joel Becker", "Becker, J."),
        ("Ana T. Ribeiro", "Ribeiro, A. T."),
        ("Deming, D. J.", "Deming, D. J."),
        ("Mathijs de Vaan", "de Vaan, M."),
        ("Lori van der Berg", "van der Berg, L."),
        ("Edward McFowland III", "McFowland, E., III"),
        ("Jean-Luc Picard", "Picard, J.-L."),
        ("Zheyuan (Kevin) Cui", "Cui, Z."),
        ("Fabrizio Dell'Acqua", "Dell'Acqua, F."),
        ("Klarna", "Klarna"),
        ("Faros AI", "Faros AI"),
        ("Department for Work and Pensions (UK)", "Department for Work and Pensions"),
        ("OpenAI (Patwardhan et al.)", "OpenAI"),
        ("et al.", "et al."),
        ("and colleagues (list not seen)", "et al."),
    ],
)
def test_authors(name: str, shown: str) -> None:
    assert author(name) == shown


def test_initials_of_hyphenated_and_abbreviated_names() -> None:
    assert initials("Jean-Luc T.") == "J.-L. T."


def test_lists_of_authors() -> None:
    assert listed(["A, B."]) == "A, B."
    assert listed(["A, B.", "C, D."]) == "A, B., & C, D."
    assert listed(["A, B.", "et al."]) == "A, B., et al."
    many = [f"N{i}, A." for i in range(30)]
    assert listed(many).endswith("N18, A., … N29, A.")


def test_an_entry_prefers_doi_and_keeps_the_titles_own_mark() -> None:
    entry = {
        "authors": ["Ada Example", "Ben Example"],
        "year": 2025,
        "title": "Does it help?",
        "venue": "A Journal 3(2), 1-9",
        "doi": "10.1/x",
        "arxiv": "2501.00001",
    }
    assert cite(entry).text() == (
        "Example, A., & Example, B. (2025). Does it help? A Journal 3(2), 1-9. https://doi.org/10.1/x"
    )
    without = {**entry, "doi": None, "venue": None, "title": "It helps"}
    assert cite(without).text() == "Example, A., & Example, B. (2025). It helps. https://arxiv.org/abs/2501.00001"
    assert cite({**without, "arxiv": None, "url": "https://example.org"}).link == "https://example.org"


def test_the_list_is_alphabetical_whatever_the_accents() -> None:
    made = citations({"authors": [a], "year": 2025, "title": "T"} for a in ("B. Zed", "Č. Šimić", "A. Tan"))
    assert [c.lead.split(",")[0] for c in made] == ["Šimić", "Tan", "Zed"]
