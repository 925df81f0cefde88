"""Which version of the dataset this is, and a fingerprint of its files."""

import datetime
import hashlib
from pathlib import Path

from pydantic import Field

from metaanalysis.files import read_toml
from metaanalysis.studies.load import DATA
from metaanalysis.studies.schema import Record, Text
from metaanalysis.studies.validate import validated


class Dataset(Record):
    """The dataset's own record, ``data/dataset.toml``."""

    title: Text = Field(description="Title, for citation.")
    version: Text = Field(description="Version: raised when a study or a number changes.")
    date: datetime.date = Field(description="Date of the version.")
    licence: Text = Field(description="Licence of the compilation.")


def load_dataset(folder: Path = DATA) -> Dataset:
    """Load the dataset's record.

    Raises
    ------
    InputError
        If the file is missing or a field is wrong.
    """
    path = folder / "dataset.toml"
    return validated(Dataset, read_toml(path), path)


def fingerprint(folder: Path = DATA) -> str:
    """Return a SHA-256 over the studies, codings, claims and benchmark tables, in the order of their paths."""
    digest = hashlib.sha256()
    files = [*folder.glob("studies/*.toml"), *folder.glob("codings/*.toml"), *folder.glob("benchmarks/*.csv")]
    for path in sorted([*files, folder / "claims.toml"]):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
