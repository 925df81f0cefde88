"""Citations of studies as a bibliography file for Typst (Hayagriva YAML), set there in a standard style."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

ORGANISATION: Final = re.compile(
    r"\b(group|lab|labs|department|agency|centre|center|service|bureau|institute|team|office|university|bank|"
    r"government|committee|corporation|company|inc|ltd|research|treasury|health|cloud|staff|consortium)\b|[(\[/&\d]",
    re.IGNORECASE,
)
PARTICLES: Final = frozenset({"de", "da", "del", "della", "der", "di", "du", "el", "la", "le", "van", "von", "ten"})


def bibliography(references: Iterable[Mapping[str, Any]]) -> str:
    """Return references as Hayagriva YAML, one JSON value for each key (JSON is YAML), in the order given."""
    return "".join(f"{entry['key']}: {json.dumps(record(entry), ensure_ascii=False)}\n" for entry in references)


def record(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return one reference as a Hayagriva record.

    Parameters
    ----------
    entry : mapping
        `key`, `authors`, `year`, `title` and, where known, `venue`, `doi`, `arxiv`, `url`.
    """
    made: dict[str, Any] = {
        "type": "article",
        "title": _verbatim(entry["title"]),
        "author": [author(name) for name in entry["authors"]],
        "date": int(entry["year"]),
    }
    if entry.get("venue"):
        made["parent"] = {"type": "periodical", "title": _verbatim(entry["venue"])}
    if entry.get("doi"):
        made["serial-number"] = {"doi": str(entry["doi"])}
    elif entry.get("arxiv"):
        made["url"] = f"https://arxiv.org/abs/{entry['arxiv']}"
    elif entry.get("url"):
        made["url"] = str(entry["url"])
    return made


def author(name: str) -> dict[str, str]:
    """Return a name split into family name and given names; an organisation stays whole.

    Names are taken as printed: ``Family, Given`` or ``Given Family``, with particles kept at the family name.
    """
    name = " ".join(name.split())
    if ORGANISATION.search(name) or " and " in name:
        return {"name": name}
    if "," in name:
        family, given = (part.strip() for part in name.split(",", 1))
        return {"name": family, "given-name": given}
    parts = name.split(" ")
    if len(parts) == 1:
        return {"name": name}
    start = len(parts) - 1
    if parts[start] in ("II", "III", "IV", "Jr.", "Jr", "Sr.") and start > 1:
        start -= 1
    while start > 1 and parts[start - 1].lower() in PARTICLES:
        start -= 1
    return {"name": " ".join(parts[start:]), "given-name": " ".join(parts[:start])}


def _verbatim(text: str) -> dict[str, Any]:
    """Return a title that no citation style may recapitalise."""
    return {"value": str(text), "verbatim": True}
