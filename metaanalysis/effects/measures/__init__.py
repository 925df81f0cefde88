"""The family of effect measures: every file of this folder declares one `Measure` named ``MEASURE``."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from metaanalysis.effects.measure import Measure
from metaanalysis.errors import bad


@cache
def names() -> tuple[str, ...]:
    """Return the names of all measures: the files of the folder, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def measure(name: str) -> Measure:
    """Return one measure by its name.

    Raises
    ------
    InputError
        If no file of that name exists; the message lists those that do.
    """
    if name not in names():
        raise bad("measure", name, "there is no such effect measure", f"Choose one of {', '.join(names())}.")
    found = import_module(f"{__name__}.{name}").MEASURE
    assert isinstance(found, Measure)
    return found
