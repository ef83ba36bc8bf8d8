"""Networks of several sets in one set, or one network of a set exchanged for another's."""

from collections.abc import Mapping

from dred.errors import UsageError
from dred.weights.dnnw import Tensor
from dred.weights.layers import COMPONENTS
from dred.weights.weight_set import Card, WeightSet

__all__ = ["RDOVAE", "combine"]

RDOVAE = ("RDO-VAE encoder", "RDO-VAE decoder")
"""The two networks that share the payload's tables."""


def combine(networks: Mapping[str, WeightSet], name: str, card: Card) -> WeightSet:
    """Return a set of networks from where they are best; tables and prior are those of the RDO-VAE.

    Args:
        networks: The set that each network, a key of `COMPONENTS`, is taken from; any other network is left out.
        name: Of the new set.
        card: Of the new set; its bitstream version must be that of the RDO-VAE's set.

    Raises:
        UsageError: There is no such network, or a set lacks the one that is wanted from it; encoder and decoder are
            missing or of different sets; or the card has another bitstream version.
    """
    unknown = networks.keys() - COMPONENTS.keys()
    if unknown:
        raise UsageError(f"networks are {', '.join(COMPONENTS)}, not {min(unknown)}")
    encoder, decoder = (networks.get(half) for half in RDOVAE)
    if encoder is None or encoder is not decoder:
        raise UsageError("both halves of the RDO-VAE come from one set, which gives the tables, too")
    if card.bitstream_version != encoder.card.bitstream_version:
        raise UsageError(
            f"the RDO-VAE speaks bitstream version {encoder.card.bitstream_version}, not {card.bitstream_version}"
        )
    tensors: dict[str, Tensor] = {}
    for component, prefixes in COMPONENTS.items():
        if component in networks:
            taken = {
                array: values for array, values in networks[component].tensors.items() if array.startswith(prefixes)
            }
            if not taken:
                raise UsageError(f"the set {networks[component].name} has no {component}")
            tensors |= taken
    return WeightSet(name=name, card=card, tensors=tensors, tables=encoder.tables, prior=encoder.prior)
