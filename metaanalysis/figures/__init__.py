"""Figures: one file per figure, results in, figure out.

A figure is a module of this folder with four names:

``NEEDS``
    the frames it eats, by their name in `metaanalysis.frames.SCHEMAS`;
``WIDTH``
    its width in print, in centimetres;
``draw(results)``
    the figure, as a tuple of pages (nearly always one);
``describe(results)``
    the alternative text, with its numbers.

There is no registry: `names` lists the folder. A figure computes positions, never statistics.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol, cast

from metaanalysis.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HELPERS = frozenset({"style"})


class FigureModule(Protocol):
    """What a module of this folder offers."""

    NEEDS: Sequence[str]
    WIDTH: float
    draw: Callable[[Results], "tuple[Figure, ...]"]
    describe: Callable[[Results], str]


def names() -> tuple[str, ...]:
    """Return the name of every figure, sorted."""
    return tuple(sorted(m.name for m in iter_modules(__path__) if m.name not in HELPERS))


def load(name: str) -> FigureModule:
    """Return the module of a figure.

    Raises
    ------
    KeyError
        If there is no such figure.
    """
    if name not in names():
        raise KeyError(f"no figure {name!r}; known: {', '.join(names())}")
    return cast(FigureModule, import_module(f"{__name__}.{name}"))


def available(results: Results) -> tuple[str, ...]:
    """Return the figures whose frames the results hold, none of them empty."""
    return tuple(name for name in names() if all(len(results.frames.get(frame, ())) for frame in load(name).NEEDS))
