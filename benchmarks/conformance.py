"""How close dred comes to libopus, value by value, on the reference vectors.

    python benchmarks/conformance.py --shared DIR

Prints, per part: payloads that parse to libopus's values and write back to its bytes; features, latents and states of
the sender; features of the decoder and FARGAN's speech in the conformance metric (limits 0.5 / 0.15 / 0.02 and 0.25 /
1.0 / 0.15).
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from dred.assembly import payload_tables
from dred.bitstream import (
    DRED_V10,
    DRED_V12,
    MAX_LATENTS,
    DredVersion,
    PayloadTables,
    parse_payload,
    quantise,
    split_prefix,
    write_payload,
)
from dred.evaluation import compare_audio, compare_features
from dred.features import FeatureExtractor
from dred.nn import default_engine
from dred.opus import find_extension
from dred.rdovae import CompiledDecoder, CompiledEncoder
from dred.vocoder import START_SAMPLES, CompiledFargan
from dred.weights import WeightSet, import_weights

# The readers of the vectors are the tests'.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from reference_vectors import (
    V10_VECTOR,
    V12_VECTORS,
    read_decoded,
    read_extractor_input,
    read_floats,
    read_packets,
)

INT16_SCALE = 32768


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def payloads(folder: Path, version: DredVersion) -> list[bytes]:
    """Read every DRED payload of a vector's packets."""
    name = "packets.bin" if version is DRED_V10 else "dred_payloads.bin"
    if version is not DRED_V10:
        return [split_prefix(data, version) for data in read_packets(folder / name) if data]
    found = (find_extension(packet, version.extension_id, version.prefix) for packet in read_packets(folder / name))
    return [split_prefix(extension.payload, version) for extension in found if extension is not None]


def count_rewritten(data: list[bytes], tables: PayloadTables) -> tuple[int, int]:
    """Count payloads that come back byte for byte, and those of them that end with latents no parser may see.

    Latents of together less than 8 bits at a payload's end are in libopus's bytes, but the format hides them.
    """
    num_same = num_hiding = 0
    for payload in data:
        num_seen = parse_payload(payload, tables).num_latents
        for num_latents in range(num_seen, MAX_LATENTS + 1):
            parsed = parse_payload(payload + bytes(8), tables, max_latents=num_latents)
            if write_payload(parsed.header, parsed.state_symbols, parsed.latent_symbols, tables).data == payload:
                num_same += 1
                num_hiding += num_latents > num_seen
                break
    return num_same, num_hiding


def report_sender(folder: Path, weights: WeightSet, tables: PayloadTables) -> None:
    expected = read_floats(folder / "enc_features.f32", 20)
    extractor = FeatureExtractor.from_tensors(weights.tensors, default_engine())
    features = extractor.extract(extractor.initial_state(), read_extractor_input(folder))[: len(expected)]
    errors = features - expected
    print(f"  features: worst cepstrum RMS {max(rms(errors[:, i]) for i in range(18)):.2g}, ", end="")
    print(f"pitch equal {np.mean(np.abs(errors[:, 18]) < 0.01):.1%}, voicing RMS {rms(errors[:, 19]):.3f}")
    encoder = CompiledEncoder.from_tensors(weights.tensors, latent_dim=25, state_dim=50)
    latents, states = encoder.encode_steps(encoder.initial_state(), expected.reshape(-1, 2, 20))
    libopus = read_floats(folder / "enc_latents_state.f32", 75)
    for name, ours, theirs, symbols in (
        ("latents", latents, libopus[:, :25], tables.latent),
        ("states", states, libopus[:, 25:], tables.state),
    ):
        shares = [
            float(
                (quantise(ours, level, symbols) == quantise(theirs.copy(), level, symbols))[
                    :, symbols.model.is_coded[level]
                ].mean()
            )
            for level in range(16)
        ]
        error = rms(ours - theirs) / rms(theirs)
        print(f"  {name}: {error:.2%} RMS, equal symbols {min(shares):.1%} to {max(shares):.1%} by level")


def decode_all(folder: Path, weights: WeightSet, version: DredVersion) -> tuple[np.ndarray, np.ndarray]:
    """Return libopus's decoded features and ours, of every packet in the vector."""
    decoder = CompiledDecoder.from_tensors(weights.tensors, latent_dim=version.latent_dim, state_dim=version.state_dim)
    latent_size = version.latent_dim + (version is DRED_V12)
    records = read_decoded(folder / "dred_decoded.bin", state_dim=version.state_dim, latent_size=latent_size)
    ours = []
    for record in records:
        latents = np.ascontiguousarray(record.latents[:, : version.latent_dim])
        # Version 10's network takes no level.
        levels = np.rint(8 * (record.latents[:, -1] + 1)) if version is DRED_V12 else np.zeros(len(latents))
        ours.append(decoder.decode(record.state, latents, levels.astype(np.int64)))
    return np.concatenate([record.features for record in records]), np.concatenate(ours)


def report_vocoder(folder: Path, weights: WeightSet) -> None:
    vocoder = CompiledFargan.from_tensors(weights.tensors)
    features = read_floats(folder / "enc_features.f32", 20)
    state = vocoder.start(np.repeat(features[:1], 5, axis=0), np.zeros(START_SAMPLES, np.float32))
    spoken = vocoder.synthesise(state, features[1:])
    expected = np.fromfile(folder / "fargan_out.f32", "<f4")
    result = compare_audio(INT16_SCALE * expected, INT16_SCALE * spoken)
    print(f"  FARGAN: err4 {result.err4:.3f}, err16 {result.err16:.3f}, pitch {result.pitch:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="the folder of reference material")
    shared = parser.parse_args().shared
    sets = {
        DRED_V12: import_weights(shared / "weights/libopus-1.6.1.dnnw"),
        DRED_V10: import_weights(shared / "weights/libopus-1.5.2.dnnw"),
    }
    decoded: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for name, version in [*((name, DRED_V12) for name in V12_VECTORS), (V10_VECTOR, DRED_V10)]:
        folder, weights = shared / "vectors" / name, sets[version]
        tables = payload_tables(weights, version)
        data = payloads(folder, version)
        num_same, num_hiding = count_rewritten(data, tables)
        print(f"{name}\n  payloads: {num_same} of {len(data)} written back byte for byte, {num_hiding} hide latents")
        if version is DRED_V12:
            report_sender(folder, weights, tables)
            report_vocoder(folder, weights)
        decoded.setdefault(version.name, []).append(decode_all(folder, weights, version))
    for name, pairs in decoded.items():
        result = compare_features(np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs]))
        print(f"decoder, version {name}: total {result.total:.4f}, worst {result.worst:.4f}, pitch {result.pitch:.4f}")


if __name__ == "__main__":
    main()
