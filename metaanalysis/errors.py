"""Every exception the package raises on purpose, and the one message each of them prints.

A message for a user has four parts: where (file), what field, what is wrong, what to do. Nothing else of the
package formats such messages.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input.

    Attributes
    ----------
    where : str
        The file (or argument) at fault, as the user would type it.
    field : str
        The field inside it, dotted; empty if the whole file is at fault.
    problem : str
        What is wrong, in one sentence without a full stop.
    remedy : str
        What to do about it.
    """

    where: str
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.where}: {self.field}" if self.field else self.where
        return f"{place}: {self.problem}. {self.remedy}"


class MetaAnalysisError(Exception):
    """Base of every error raised on purpose. ``exit_code`` is what the command line returns."""

    exit_code = 1


class InputError(MetaAnalysisError):
    """Something the user gave cannot be used: carries one or more `Fault`; exit code 2."""

    exit_code = 2

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class NumericalError(MetaAnalysisError):
    """A computation could not reach its stated accuracy; exit code 1."""


class UnsupportedError(InputError):
    """An engine was asked for a model it does not support; the fault says why and which engine does."""


def bad(where: str, field: str, problem: str, remedy: str) -> InputError:
    """Return the `InputError` for a single fault."""
    return InputError(Fault(where, field, problem, remedy))
