"""The claims ledger: every empirical claim of the thesis, traced to its primary source."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from metaanalysis.errors import bad
from metaanalysis.files import display, read_toml
from metaanalysis.studies.load import DATA
from metaanalysis.studies.schema import Key, Record, Text
from metaanalysis.studies.validate import validated

ClaimId = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{2}[a-z]?$")]


class ClaimSource(Record):
    """The primary source behind a claim."""

    authors: Text | None = Field(None, description="Authors as printed.")
    year: Text | None = Field(None, description="Year, or what is known of it.")
    title: Text | None = Field(None, description="Title.")
    venue: Text | None = Field(None, description="Where it appeared.")
    identifier: Text | None = Field(None, description="DOI or arXiv identifier.")
    url: Text | None = Field(None, description="Public address.")


class Claim(Record):
    """One empirical claim, what its source reports, and the verdict."""

    id: ClaimId = Field(description="Identifier: a letter for the group and two digits.")
    group: Literal["paper", "article", "counter", "form", "computed"] = Field(
        description="Claim of the paper or of the article on it, evidence beside it, on the form, or computed."
    )
    claim: Text = Field(description="The claim, in neutral words.")
    source: ClaimSource = Field(description="The primary source.")
    reports: Text = Field(description="What the primary source reports.")
    estimate: Text | None = Field(None, description="The estimate, as reported.")
    interval: Text | None = Field(None, description="Its uncertainty, as reported.")
    n: Text | None = Field(None, description="Sample, as reported.")
    where: Text | None = Field(None, description="Place in the source.")
    verification: Literal["primary", "secondary", "unverified"] = Field(description="How it was seen.")
    verdict: Literal["supported", "partly", "misquoted", "unsupported", "context"] = Field(
        description="How the source bears the claim; `context` where the entry is not a claim of the thesis."
    )
    bears: Literal["for", "against", "mixed", "none"] = Field(
        description="Whether the source's evidence favours a jump between levels of practice."
    )
    studies: list[Key] = Field(default_factory=list, description="Studies of the dataset that hold the evidence.")
    note: Text | None = Field(None, description="Remarks.")


class Ledger(Record):
    """The file."""

    claim: list[Claim] = Field(min_length=1, description="The claims.")


def load_claims(path: Path = DATA / "claims.toml") -> tuple[Claim, ...]:
    """Load the claims ledger.

    Raises
    ------
    InputError
        On faults in the file, and on an identifier that is used twice.
    """
    claims = tuple(validated(Ledger, read_toml(path), path).claim)
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise bad(display(path), f"claim[{claim.id}]", "is there twice", "Give every claim its own identifier.")
        seen.add(claim.id)
    return claims
