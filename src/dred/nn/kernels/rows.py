"""Parts of rows, moved."""

from typing import no_type_check

from dred.compilation import compiled


@compiled(makes_arrays=False)
@no_type_check
def copy_part(source, start, size, target, target_start):
    """Copy `size` values of a row to another place; assigning a slice would make an array in between."""
    values, places = source[start : start + size], target[target_start : target_start + size]
    for i in range(size):
        places[i] = values[i]
