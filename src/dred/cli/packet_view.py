"""A packet enters, a JSON object or a line of a table leaves: what `dred inspect` shows.

Redundancy is parsed with the tables of the weights at hand. Without them only its header can be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dred.assembly import build_parts, payload_tables
from dred.bitstream import DredVersion, PayloadTables, find_version, parse_header, parse_payload, split_prefix
from dred.errors import ModelError, RemoteDataError
from dred.opus import Extension, OpusPacket, has_lbrr, iter_extensions, parse_packet
from dred.receiver import RedundancyReader
from dred.rtp import TimedPacket
from dred.timebase import RTP_TICKS_PER_DRED_TICK, rtp_to_ms, ticks_to_ms
from dred.weights import WeightSet, available, load

__all__ = ["TABLE_HEADING", "PayloadReaders", "table_lines", "view_packet"]

# Id and first byte of the experiments that led to DRED. Source: libopus 1.6.1 dnn/dred_config.h.
_EXPERIMENT_ID = 126
_EXPERIMENT_MARK = b"D"

TABLE_HEADING = (
    f"{'sequence':>10}{'time ms':>10}  {'coding':<17}{'ms':>4}{'bytes':>7}{'lbrr':>6}{'red':>5}{'dred':>6}{'bytes':>7}"
    f"{'q0':>4}{'dq':>4}{'qmax':>6}{'offset':>8}{'latents':>9}  covers ms"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadReaders:
    """The tables and networks of weight sets, read when a payload first needs them.

    Attributes:
        sets: The sets to use; None for all at hand, best first.
        unread: Versions that were asked for and that no set speaks.
    """

    sets: Sequence[WeightSet] | None = None
    unread: set[DredVersion] = field(default_factory=set)
    _found: dict[DredVersion, tuple[WeightSet, PayloadTables]] = field(default_factory=dict)
    _readers: dict[DredVersion, RedundancyReader] = field(default_factory=dict)

    def tables(self, version: DredVersion) -> PayloadTables | None:
        """Find the tables of a version; None if no set speaks it.

        Raises:
            ModelError: A set is broken.
        """
        if version not in self._found and version not in self.unread:
            for weights in self._usable():
                try:
                    self._found[version] = (weights, payload_tables(weights, version))
                    break
                except ModelError:
                    continue
            else:
                self.unread.add(version)
        return self._found[version][1] if version in self._found else None

    def reader(self, version: DredVersion) -> RedundancyReader | None:
        """Find tables and decoder network of a version; None if no set speaks it.

        Raises:
            ModelError: As in `tables`, or a network is missing.
        """
        if self.tables(version) is None:
            return None
        if version not in self._readers:
            readers = build_parts([self._found[version][0]]).readers
            self._readers[version] = next(reader for reader in readers if reader.tables.version == version)
        return self._readers[version]

    def _usable(self) -> Sequence[WeightSet]:
        if self.sets is not None:
            return self.sets
        return [load(entry.name) for entry in available() if entry.card is not None]


def view_packet(index: int, packet: TimedPacket, readers: PayloadReaders, *, with_features: bool) -> dict[str, Any]:
    """Describe a packet by values that JSON knows; any bytes will do.

    Raises:
        ModelError: A set is broken.
    """
    view: dict[str, Any] = {
        "index": index,
        "sequence": packet.sequence,
        "timestamp": packet.timestamp,
        "arrival_ms": packet.arrival_ms,
        "bytes": len(packet.payload),
        "duration_ms": None,
        "toc": None,
        "lbrr": None,
        "red": [
            {"offset_ms": rtp_to_ms(copy.timestamp_offset), "bytes": len(copy.payload)} for copy in packet.redundant
        ],
        "dred": None,
        "dred_error": None,
        "packet_error": None,
    }
    try:
        parsed = parse_packet(packet.payload)
    except RemoteDataError as error:
        view["packet_error"] = str(error)
        return view
    view["duration_ms"] = rtp_to_ms(parsed.duration_rtp)
    view["toc"] = {
        "mode": parsed.toc.mode,
        "bandwidth": parsed.toc.bandwidth,
        "stereo": parsed.toc.stereo,
        "frames": len(parsed.frames),
        "frame_ms": rtp_to_ms(parsed.toc.frame_duration_rtp),
    }
    view["lbrr"] = has_lbrr(packet.payload)
    try:
        found = _find_redundancy(parsed)
        if found is not None:
            view["dred"] = _view_redundancy(*found, parsed, readers, with_features=with_features)
    except RemoteDataError as error:
        view["dred_error"] = str(error)
    return view


def table_lines(view: dict[str, Any], *, with_latents: bool) -> list[str]:
    """Put a packet's description into a line under `TABLE_HEADING`, and vectors into lines below it."""
    toc, dred = view["toc"], view["dred"]
    coding = f"{toc['mode']} {toc['bandwidth']}{' stereo' if toc['stereo'] else ''}" if toc else "broken"
    line = (
        f"{view['sequence']:>10}{view['timestamp'] / 48:>10.1f}  {coding:<17}{_shown(view['duration_ms']):>4}"
        f"{view['bytes']:>7}{'yes' if view['lbrr'] else '-':>6}{len(view['red']) or '-':>5}"
    )
    if dred is None:
        problem = view["packet_error"] or view["dred_error"]
        return [line + ("     -" if problem is None else f"  refused: {problem}")]
    covers = f"{dred['history_ms']:g} to {dred['end_ms']:g}" if dred["history_ms"] is not None else "?"
    line += (
        f"{dred['version']:>6}{dred['bytes']:>7}{dred['q0']:>4}{dred['dq']:>4}{dred['qmax']:>6}"
        f"{dred['offset_ticks']:>8}{_shown(dred['num_latents']):>9}  {covers}"
    )
    lines = [line]
    if with_latents and dred["latents"] is not None:
        lines.append(f"    state    level {dred['q0']:>2}: {_vector(dred['state'])}")
        for number, (level, latent) in enumerate(zip(dred["levels"], dred["latents"])):
            lines.append(f"    latent {number:>2} level {level:>2}: {_vector(latent)}")
    for number, features in enumerate(dred.get("features") or ()):
        lines.append(f"    features {number:>3}: {_vector(features)}")
    return lines


def _find_redundancy(packet: OpusPacket) -> tuple[Extension, DredVersion] | None:
    """Find the first redundancy of a known version.

    Raises:
        ExtensionFormatError: The padding is broken before that, or there is only redundancy of an unknown version.
    """
    stranger = None
    for extension in iter_extensions(packet.padding, len(packet.frames)):
        version = find_version(extension.id, extension.payload)
        if version is not None:
            return extension, version
        if extension.id == _EXPERIMENT_ID and extension.payload.startswith(_EXPERIMENT_MARK):
            stranger = extension
    if stranger is not None:
        raise RemoteDataError("DRED of a known version", value=stranger.payload[:2])
    return None


def _view_redundancy(
    extension: Extension,
    version: DredVersion,
    packet: OpusPacket,
    readers: PayloadReaders,
    *,
    with_features: bool,
) -> dict[str, Any]:
    payload = split_prefix(extension.payload, version)
    frame_ticks = extension.frame * (packet.toc.frame_duration_rtp // RTP_TICKS_PER_DRED_TICK)
    header = parse_header(payload)
    view: dict[str, Any] = {
        "version": version.name,
        "extension_id": extension.id,
        "frame": extension.frame,
        "bytes": len(payload),
        "q0": header.q0,
        "dq": header.dq,
        "qmax": header.qmax,
        "offset_ticks": header.offset_ticks + frame_ticks,
        "num_latents": None,
        "history_ms": None,
        "end_ms": ticks_to_ms(max(0, -header.offset_ticks - frame_ticks)),
        "state": None,
        "latents": None,
        "levels": None,
    }
    if with_features:
        view["features"] = None
    tables = readers.tables(version)
    if tables is None:
        return view
    parsed = parse_payload(payload, tables, frame_offset_ticks=frame_ticks)
    view |= {
        "num_latents": parsed.num_latents,
        "history_ms": parsed.history_ms,
        "state": parsed.state.tolist(),
        "latents": parsed.latents.tolist(),
        "levels": parsed.levels.tolist(),
    }
    reader = readers.reader(version) if with_features else None
    if reader is not None:
        state = reader.decoder.start(parsed.state)
        view["features"] = reader.decoder.decode_latents(state, parsed.latents, parsed.levels).tolist()
    return view


def _shown(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _vector(values: Sequence[float]) -> str:
    return " ".join(f"{value:.2f}" for value in values)
