"""What an analysis returns: numbers by name and tidy frames, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Value = float | int | str | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """The outcome of one analysis.

    Attributes
    ----------
    name, title, question : str
        The analysis, as its spec names it.
    numbers : mapping of str to number, text, bool or None
        Every number of the report, by dotted name.
    frames : mapping of str to DataFrame
        Tidy frames; those named in `metaanalysis.frames.SCHEMAS` conform to their schema.
    spec : mapping
        The analysis spec as read, for the methods section.
    references : tuple of mappings
        Citations of the studies analysed: key, authors, year, title, venue, doi, arxiv, url.
    """

    name: str
    title: str
    question: str
    numbers: Mapping[str, Value]
    frames: Mapping[str, "pd.DataFrame"]
    spec: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[Mapping[str, Any], ...] = ()
