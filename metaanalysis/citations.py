"""Citations of studies in the style of the American Psychological Association, from the studies' own records."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ORGANISATION: Final = re.compile(
    r"\b(group|lab|labs|department|agency|centre|center|service|bureau|institute|team|office|university|bank|ai|"
    r"government|committee|corporation|company|inc|ltd|research|treasury|health|cloud|staff|consortium|report|project)\b"
    r"|[/&\d]",
    re.IGNORECASE,
)
PARTICLES: Final = frozenset({"de", "da", "del", "della", "der", "di", "du", "el", "la", "le", "van", "von", "ten"})
SUFFIXES: Final = frozenset({"II", "III", "IV", "Jr.", "Jr", "Sr."})
MOST: Final = 20
"""Authors listed in full; of longer lists the first nineteen and the last."""


@dataclass(frozen=True, slots=True)
class Citation:
    """One entry of a list of references, in the parts that are set differently.

    Attributes
    ----------
    lead : str
        Authors and year.
    title : str
        Title with its closing mark.
    venue : str
        Journal, series or kind of publication; set in italics; empty if unknown.
    link : str
        Address: DOI before arXiv before URL; empty if none is known.
    """

    lead: str
    title: str
    venue: str
    link: str

    def text(self) -> str:
        """Return the entry as plain text."""
        venue = f"{self.venue}." if self.venue else ""
        return " ".join(part for part in (self.lead, self.title, venue, self.link) if part)


def citations(references: Iterable[Mapping[str, Any]]) -> list[Citation]:
    """Return the entries in alphabetical order, accents and case apart."""
    return sorted((cite(entry) for entry in references), key=lambda made: (_plain(made.lead), made.title))


def cite(entry: Mapping[str, Any]) -> Citation:
    """Return one reference set in parts.

    Parameters
    ----------
    entry : mapping
        `authors`, `year`, `title` and, where known, `venue`, `doi`, `arxiv`, `url`.
    """
    title = str(entry["title"]).strip()
    names = listed([author(str(name)) for name in entry["authors"]])
    return Citation(
        lead=f"{names}{'' if names.endswith('.') else '.'} ({entry['year']}).",
        title=title if title[-1] in ".?!" else f"{title}.",
        venue=str(entry.get("venue") or "").rstrip("."),
        link=_link(entry),
    )


def author(name: str) -> str:
    """Return a name as ``Family, G.``; an organisation stays whole, an open list becomes ``et al.``.

    Names are taken as recorded, ``Family, Given`` or ``Given Family``; particles stay with the family name, and a
    remark in brackets is dropped.
    """
    name = " ".join(re.sub(r"\([^)]*\)", " ", name).split())
    if not name or name.lower() in ("et al.", "others") or name.lower().startswith("and "):
        return "et al."
    if ORGANISATION.search(name) or re.search(r"\band\b|\bnot\b", name):
        return name
    if "," in name:
        family, given = (part.strip() for part in name.split(",", 1))
        return f"{family}, {initials(given)}"
    parts = name.split(" ")
    suffix = f", {parts.pop()}" if len(parts) > 2 and parts[-1] in SUFFIXES else ""
    start = len(parts) - 1
    while start > 1 and parts[start - 1].lower() in PARTICLES:
        start -= 1
    if start == 0:
        return name
    return f"{' '.join(parts[start:])}, {initials(' '.join(parts[:start]))}{suffix}"


def initials(given: str) -> str:
    """Return given names as initials, hyphens kept: ``Jean-Luc T.`` becomes ``J.-L. T.``."""
    return " ".join(
        "-".join(f"{piece[0].upper()}." for piece in part.split("-") if piece) for part in given.split() if part
    )


def listed(names: list[str]) -> str:
    """Return the authors as one text."""
    if "et al." in names:
        return ", ".join([*names[: names.index("et al.")], "et al."])
    if len(names) > MOST:
        return f"{', '.join(names[: MOST - 1])}, … {names[-1]}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, & {names[-1]}"


def _link(entry: Mapping[str, Any]) -> str:
    if entry.get("doi"):
        return f"https://doi.org/{entry['doi']}"
    if entry.get("arxiv"):
        return f"https://arxiv.org/abs/{entry['arxiv']}"
    return str(entry.get("url") or "")


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
