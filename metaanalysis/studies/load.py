"""Load the dataset: studies by key, with every fault of every file in one error."""

import re
from pathlib import Path

from metaanalysis.errors import InputError, bad
from metaanalysis.files import collect, display, read_toml
from metaanalysis.studies.schema import Study
from metaanalysis.studies.validate import validated

DATA = Path(__file__).resolve().parents[2] / "data"
KEY = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")


def load_study(path: Path) -> Study:
    """Load one study file; its name without ``.toml`` is the study's key.

    Raises
    ------
    InputError
        If the file cannot be read, is no TOML, its name is no key, or fields are wrong, missing or unknown.
    """
    key = path.name.removesuffix(".toml")
    if not KEY.fullmatch(key):
        raise bad(
            display(path),
            "",
            f"the file's name {key!r} is no key",
            "Use lower-case letters, digits and underscores.",
        )
    data = read_toml(path)
    if "key" in data:
        raise bad(display(path), "key", "is not written in the file", "Remove it: the file's name is the key.")
    return validated(Study, {"key": key, **data}, path)


def load_studies(folder: Path = DATA / "studies") -> dict[str, Study]:
    """Load every study of a folder, by key, in the order of the keys.

    Raises
    ------
    InputError
        With the faults of all files at once.
    """
    if not folder.is_dir():
        raise bad(display(folder), "", "there is no such folder", "Name the folder that holds the study files.")
    studies: dict[str, Study] = {}
    errors: list[InputError] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            study = load_study(path)
            studies[study.key] = study
        except InputError as error:
            errors.append(error)
    collect(errors)
    return studies
