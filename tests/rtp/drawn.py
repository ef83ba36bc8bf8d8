"""Values that hypothesis draws as plain data and tests build: what is built is type checked, which draws at random."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st


def drawn(kind: Callable[..., Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw what a value is made of, for `build`."""
    return st.tuples(st.just(kind), st.fixed_dictionaries(fields))


def build(recipe: Any) -> Any:
    """Build what was drawn; lists become tuples."""
    if isinstance(recipe, list):
        return tuple(map(build, recipe))
    if isinstance(recipe, tuple) and recipe and callable(recipe[0]):
        kind, fields = recipe
        return kind(**{name: build(value) for name, value in fields.items()})
    return recipe
