"""Integer symbols <-> DRED payload: the bytes that an Opus extension carries.

    latents, state --quantise--> symbols --write_payload--> payload        (sender)
    latents, state <-dequantise-- symbols <--parse_payload-- payload       (receiver)

Parsing is cheap and tells which audio a payload covers (`ParsedRedundancy`); a network decodes it later, if needed.
The entropy coder is integer only; compiled on first use, never at import.
"""

from dred.bitstream.header import MAX_OFFSET_TICKS, MIN_OFFSET_TICKS, DredHeader, parse_header
from dred.bitstream.payload import ParsedRedundancy, WrittenPayload, parse_payload, write_payload
from dred.bitstream.prior import LatentPrior
from dred.bitstream.quantiser import dequantise, quality_level, quantise
from dred.bitstream.range_coder import RangeDecoder, RangeEncoder
from dred.bitstream.tables import PayloadTables, SymbolTables
from dred.bitstream.version import (
    DRED_FINAL,
    DRED_V10,
    DRED_V12,
    MAX_LATENTS,
    MAX_PAYLOAD_BYTES,
    MIN_PAYLOAD_BYTES,
    NUM_LEVELS,
    OWN_VERSION_NAME,
    VERSION_NAMES,
    VERSIONS,
    DredVersion,
    find_version,
    own_version,
    split_prefix,
)

__all__ = [
    "DRED_FINAL",
    "DRED_V10",
    "DRED_V12",
    "MAX_LATENTS",
    "MAX_OFFSET_TICKS",
    "MAX_PAYLOAD_BYTES",
    "MIN_OFFSET_TICKS",
    "MIN_PAYLOAD_BYTES",
    "NUM_LEVELS",
    "OWN_VERSION_NAME",
    "VERSIONS",
    "VERSION_NAMES",
    "DredHeader",
    "DredVersion",
    "LatentPrior",
    "ParsedRedundancy",
    "PayloadTables",
    "RangeDecoder",
    "RangeEncoder",
    "SymbolTables",
    "WrittenPayload",
    "dequantise",
    "find_version",
    "own_version",
    "parse_header",
    "parse_payload",
    "quality_level",
    "quantise",
    "split_prefix",
    "write_payload",
]
