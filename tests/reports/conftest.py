"""The made-up analysis that the reports are set from."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from metaanalysis.results import Results


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """Module that makes results up."""
    path = Path(__file__).resolve().parent / "made_up.py"
    found = spec_from_file_location("made_up", path)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    sys.modules["made_up"] = module
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def results(made_up: ModuleType) -> Results:
    """A made-up analysis with every frame."""
    return made_up.results()
