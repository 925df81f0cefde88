"""Short labels of studies, for tables and figures."""

import re
from collections.abc import Mapping
from typing import Final

from metaanalysis.studies.schema import Study

ORGANISATION: Final = re.compile(
    r"\b(AI|Agency|Bank|Bureau|Centre|Cloud|Department|Forum|Group|Index|Institute|Labs?|Office|Service|Team|University"
    r"|\w+Lab)\b"
)
"""Words by which an organisation is told from a person."""

OTHERS: Final = re.compile(r"^(and|et)\b|\b(and colleagues|and co-authors|et al\.?)", re.IGNORECASE)


def label(study: Study) -> str:
    """Return first author (or organisation) and year, for display.

    Parameters
    ----------
    study : Study
        The study.
    """
    authors = [re.sub(r"\s*\(.*?\)", "", author).strip() for author in study.citation.authors]
    authors = [author for author in authors if author] or [study.key]
    many = len(authors) > 2 or any(OTHERS.search(author) for author in authors[:2])
    first = _surname(OTHERS.split(authors[0])[0].strip() or authors[0])
    second = f" & {_surname(authors[1])}" if len(authors) == 2 and not many else ""
    return f"{first}{' et al.' if many else second} {study.citation.year}"


def labels(studies: Mapping[str, Study]) -> dict[str, str]:
    """Return the labels of all studies by key; equal ones get the letters a, b, … in the order of the keys.

    Parameters
    ----------
    studies : mapping of str to Study
        The dataset.
    """
    plain = {key: label(studies[key]) for key in sorted(studies)}
    same: dict[str, list[str]] = {}
    for key, text in plain.items():
        same.setdefault(text, []).append(key)
    return {
        key: f"{text}{chr(ord('a') + same[text].index(key))}" if len(same[text]) > 1 else text
        for key, text in plain.items()
    }


def _surname(author: str) -> str:
    """Return a person's surname; organisations stay whole."""
    if "," in author and re.fullmatch(r"[^,]+,\s*(\w\.?[\s-]*)+", author):
        return author.split(",")[0]
    words = author.split()
    small = ("de", "van", "von", "der", "den", "la")
    personal = 2 <= len(words) <= 5 and all(word[:1].isupper() or word in small for word in words)
    if not personal or ORGANISATION.search(author) or words[-1].isupper():
        return author
    start = next((i for i, word in enumerate(words) if word in small), len(words) - 1)
    return " ".join(words[start:])
