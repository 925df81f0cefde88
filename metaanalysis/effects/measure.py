"""What a file of ``effects/measures`` declares about its measure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from metaanalysis.effects.derived import Route
from metaanalysis.effects.estimates import Estimates
from metaanalysis.studies.schema import Effect

BackTransform = Literal["identity", "exp", "logistic", "tanh", "square", "sin_square"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One effect measure.

    Attributes
    ----------
    name : str
        Name in specifications: the file's name.
    label : str
        Name in figures and tables.
    compute : callable or None
        Arms' summary data to `Estimates`; None where the measure has no single such formula.
    routes : callable or None
        A printed effect to its routes in order of preference and raw direction, or to the reason why there is
        none; None where the measure is not read from printed records.
    back : str
        Transformation back to the natural scale.
    null : float
        Value of no effect.
    code : str
        Abbreviation in common use, e.g. ``"SMD"``; empty if none.
    """

    name: str
    label: str
    compute: Callable[..., Estimates] | None = None
    routes: Callable[[Effect], "tuple[Route, ...] | str"] | None = None
    back: BackTransform = "identity"
    null: float = 0.0
    code: str = ""
