"""The generated documents: every field of every record is described."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from metaanalysis.dictionary import records
from metaanalysis.spec import Spec
from metaanalysis.studies.benchmarks import Submission
from metaanalysis.studies.claims import Ledger
from metaanalysis.studies.codings import CodingFile
from metaanalysis.studies.dataset import Dataset
from metaanalysis.studies.schema import Study


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str | None]]:
    for name, info in model.model_fields.items():
        yield f"{path}{name}", info.description
        for inner, _ in records(info.annotation):
            yield from fields(inner, f"{path}{name}.")


@pytest.mark.parametrize("model", [Spec, Study, CodingFile, Ledger, Submission, Dataset], ids=lambda m: m.__name__)
def test_every_field_is_described(model: type[BaseModel]) -> None:
    assert [name for name, description in fields(model) if not description] == []
