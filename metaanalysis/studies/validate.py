"""From pydantic's validation errors to faults a user can act on."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from metaanalysis.errors import Fault, InputError
from metaanalysis.files import display

REMEDIES = {
    "missing": "Add it; data/README.md describes every field.",
    "extra_forbidden": "Remove it or mend its name; data/README.md lists the fields.",
    "literal_error": "Use one of the values listed.",
    "string_pattern_mismatch": "Use the form described in data/README.md.",
    "finite_number": "Give a finite number, or leave the field out.",
}


def validated[T: BaseModel](model: type[T], data: Mapping[str, Any], path: Path) -> T:
    """Return `data` as `model`.

    Raises
    ------
    InputError
        With one fault for each field that is wrong, missing or unknown.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [_fault(model, data, item, path) for item in error.errors(include_url=False)]
        raise InputError(*faults) from None


def _fault(model: type[BaseModel], data: Mapping[str, Any], item: Mapping[str, Any], path: Path) -> Fault:
    """Translate one pydantic error."""
    field = _dotted(data, item["loc"])
    kind = item["type"]
    problem = {
        "missing": "is missing",
        "extra_forbidden": "is not a known field",
        "finite_number": "is not a finite number",
    }.get(kind) or f"{item['msg'][0].lower()}{item['msg'][1:]}, not {_short(item['input'])}"
    remedy = REMEDIES.get(kind, "Mend the value; data/README.md describes the field.")
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(item["loc"][-1]), _names(model, item["loc"][:-1]), n=1)
        if near:
            remedy = f"Did you mean {near[0]!r}? data/README.md lists the fields."
    return Fault(display(path), field, problem, remedy)


def _dotted(data: Any, location: tuple[str | int, ...]) -> str:
    """Name a place in the file; entries of a list by their id where they have one."""
    parts: list[str] = []
    here = data
    for step in location:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(step, int):
            label = here.get("id", step + 1) if isinstance(here, Mapping) else step + 1
            parts[-1:] = [f"{parts[-1] if parts else ''}[{label}]"]
        else:
            parts.append(str(step))
    return ".".join(parts)


def _names(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """List the fields of the record at `location`."""
    here: Any = model
    for step in location:
        if isinstance(step, int):
            continue
        info = here.model_fields.get(step)
        inner = [part for part in _parts(info.annotation if info else None) if _is_record(part)]
        if not inner:
            return []
        here = inner[0]
    return list(here.model_fields)


def _parts(annotation: Any) -> list[Any]:
    """Flatten a type annotation."""
    arguments = getattr(annotation, "__args__", ())
    return [annotation, *(part for argument in arguments for part in _parts(argument))]


def _is_record(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
