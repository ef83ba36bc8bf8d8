"""How good a recovered clip sounds, by three estimators; higher is better for all of them.

| metric | scale        | against the original? | what it is for                                     |
|--------|--------------|-----------------------|----------------------------------------------------|
| plcmos | 1 to 5       | no                    | concealment: made for packet loss                  |
| pesq   | 1.04 to 4.64 | yes, wideband         | general quality; punishes shifts in time           |
| estoi  | 0 to 1       | yes                   | intelligibility                                    |

They need the extra `eval`.
"""

from functools import cache
from typing import Any

import numpy as np

RATE_HZ = 16_000


def score(reference: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Score a clip against its original, both mono at 16 kHz, -1 to 1; the longer one is cut to the shorter.

    Both must lie at the same time: take the codec's delay out first.
    """
    from pesq import pesq
    from pystoi import stoi

    num_samples = min(len(reference), len(test))
    reference = reference[:num_samples]
    test = np.clip(test[:num_samples], -1, 1)
    return {
        "plcmos": _plcmos(test),
        "pesq": float(pesq(RATE_HZ, reference, test, "wb")),
        "estoi": float(stoi(reference, test, RATE_HZ, extended=True)),
    }


def _plcmos(test: np.ndarray) -> float:
    # PLCMOS draws the raters it asks from numpy's global generator: unseeded, a call varies by 0.03.
    np.random.seed(0)  # noqa: NPY002
    return float(_plcmos_model().run(test.astype(np.float32), RATE_HZ)["plcmos"])


@cache
def _plcmos_model() -> Any:
    from speechmos import plcmos

    return plcmos
