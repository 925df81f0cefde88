"""One BLAS thread for many small matrix products.

The products of the exact engine are small; handing them to threads costs more than it saves, and when the processors
are busy with something else the waiting threads make it tens of times slower.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    """Return the handle of the BLAS libraries that are loaded."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS at one thread for the duration, as a context or a decorator."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
