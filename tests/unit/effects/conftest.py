"""Made-up effects and studies, so that each test names only what it is about."""

from collections.abc import Callable
from typing import Any

import pytest

from metaanalysis.studies.schema import Effect, Study

EFFECT: dict[str, Any] = {
    "id": "main",
    "outcome": "tasks finished",
    "family": "productivity",
    "stage": "task",
    "better": "higher",
    "comparison": "assistant versus none",
    "role": "primary",
    "where": "Table 2",
    "verification": "primary",
}
STUDY: dict[str, Any] = {
    "design": "rct",
    "domain": "software",
    "citation": {"authors": ["Ada Example"], "year": 2025, "title": "A made-up trial"},
    "participants": {"unit": "developer", "population": "one firm"},
    "practice": {"autonomy": "chat"},
}


@pytest.fixture
def effect() -> Callable[..., Effect]:
    """Return a maker of effects: ``about`` holds fields of the effect, the rest is printed."""

    def make(scale: str, *, about: dict[str, Any] | None = None, **printed: Any) -> Effect:
        return Effect.model_validate({**EFFECT, **(about or {}), "printed": {"scale": scale, **printed}})

    return make


@pytest.fixture
def study() -> Callable[..., Study]:
    """Return a maker of studies from a key, effects and further fields."""

    def make(key: str, *effects: Effect, **fields: Any) -> Study:
        listed = [item.model_dump(exclude_unset=True) for item in effects]
        return Study.model_validate({"key": key, **STUDY, **fields, "effects": listed})

    return make
