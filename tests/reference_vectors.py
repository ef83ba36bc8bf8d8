"""Reading the vectors in ../shared/vectors, which libopus made; their README tells the layouts."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

V12_VECTORS = ("v44k_dred100", "v80kcbr_fec_dred100")
V10_VECTOR = "v10_60kcbr_dred100"

# What libopus's DRED encoder puts in front of its input. The vectors' README says 91, of which 80 are not in features.
ENCODER_DELAY_SAMPLES = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedPacket:
    """What libopus decoded from one packet's redundancy; latents and features are newest first."""

    index: int
    state: np.ndarray
    latents: np.ndarray
    features: np.ndarray


def read_pcm(path: Path) -> np.ndarray:
    """int16 samples as float32, on their own scale."""
    return np.fromfile(path, "<i2").astype(np.float32)


def read_floats(path: Path, width: int) -> np.ndarray:
    """Rows of float32."""
    return np.fromfile(path, "<f4").reshape(-1, width)


def read_extractor_input(folder: Path) -> np.ndarray:
    """The samples behind `enc_features.f32`: what the encoder saw, delayed."""
    samples = np.fromfile(folder / "dred_input.f32", "<f4")
    return np.concatenate([np.zeros(ENCODER_DELAY_SAMPLES, np.float32), samples])[: samples.size]


def read_lost_frames(folder: Path, num_frames: int) -> np.ndarray:
    """Which of the 10 ms frames are lost under the vectors' trace, which tells of 20 ms packets."""
    trace = np.array((folder.parent / "trace.txt").read_text().split(), int)
    return trace.repeat(2)[:num_frames].astype(bool)


def read_packets(path: Path) -> list[bytes]:
    """Records of int32 length and bytes."""
    data, packets, position = path.read_bytes(), [], 0
    while position < len(data):
        (length,) = struct.unpack_from("<i", data, position)
        packets.append(data[position + 4 : position + 4 + length])
        position += 4 + length
    return packets


def read_decoded(path: Path, *, state_dim: int, latent_size: int) -> list[DecodedPacket]:
    """Records of `dred_decoded.bin`; a latent has its level behind it if its size says so."""
    data, records, position = path.read_bytes(), [], 0
    while position < len(data):
        index, _, _, _, num_latents = struct.unpack_from("<5i", data, position)
        sizes = (state_dim, num_latents * latent_size, num_latents * 80)
        values = np.frombuffer(data, "<f4", sum(sizes), position + 20)
        state, latents, features = np.split(values, np.cumsum(sizes)[:2])
        records.append(
            DecodedPacket(
                index=index, state=state, latents=latents.reshape(-1, latent_size), features=features.reshape(-1, 20)
            )
        )
        position += 20 + 4 * sum(sizes)
    return records
