"""How much a receiver holds."""

from collections import deque

import numpy as np


def count_held(root: object) -> int:
    """Count the elements of all containers and arrays that can be reached from an object of the receiver."""
    seen: set[int] = set()
    waiting = [root]
    count = 0
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, np.ndarray):
            count += found.size
        elif isinstance(found, bytes):
            count += len(found)
        elif isinstance(found, dict):
            count += len(found)
            waiting.extend(found.values())
        elif isinstance(found, (list, tuple, deque, set)):
            count += len(found)
            waiting.extend(found)
        elif type(found).__module__.startswith(("dred.", "constant_parts")):
            slots = [name for kind in type(found).__mro__ for name in getattr(kind, "__slots__", ())]
            waiting.extend(getattr(found, name) for name in slots)
            waiting.extend(getattr(found, "__dict__", {}).values())
    return count
