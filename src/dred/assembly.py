"""Where the stages become a sender and a receiver: the only file that names concrete networks.

weights -> engine, extractor, RDO-VAE encoder -----------------> Sender, RtpSender
       '-> engine, extractor, predictor, vocoder, decoders ----> Receiver, RtpReceiver
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

import numpy as np

from dred import session
from dred.bitstream import (
    DRED_FINAL,
    DRED_V12,
    OWN_VERSION_NAME,
    VERSIONS,
    DredVersion,
    LatentPrior,
    PayloadTables,
    SymbolTables,
    own_version,
)
from dred.concealment import CompiledPredictor, Predictor
from dred.errors import ModelError, UsageError
from dred.features import CompiledAnalysis, FeatureExtractor
from dred.neural_encoder import NeuralEncoder, NeuralEncoderBank
from dred.nn import Engine, Tensors, default_engine
from dred.opus import OpusDecoder
from dred.rdovae import CompiledDecoder, CompiledEncoder, RdovaeDecoder
from dred.receiver import NeuralParts, PrimingConfig, ReceiverConfig, ReceiveStream, RedundancyReader
from dred.sender import DredConfig, SenderConfig, SendStream
from dred.vocoder import CompiledFargan, CompiledLpcnet, Fargan, Lpcnet
from dred.weights import COMPONENTS, LPCNET, RDOVAE, WAYS_OUT, WeightSet, available, load

_LPCNET_LAYERS = COMPONENTS[LPCNET]
_, _DECODER = RDOVAE


class Sender(SendStream):
    """Speech to Opus packets with redundancy, with the networks of a weight set."""

    def __init__(self, config: SenderConfig | None = None, weights: WeightSet | None = None) -> None:
        """Start a stream.

        Args:
            config: What to send; by default 48 kHz mono, 24 kb/s and one second of redundancy.
            weights: The networks; by default the best that speak the configuration's version.

        Raises:
            ModelError: There is no set at hand, or the weights speak another version, or are broken.
            UsageError: No set at hand speaks the version asked for.
        """
        config = config or SenderConfig()
        super().__init__(config, build_encoder(config.dred, weights) if config.dred else None)


class Receiver(ReceiveStream):
    """Packets to speech, with the networks of weight sets."""

    def __init__(
        self,
        config: ReceiverConfig | None = None,
        weights: Sequence[WeightSet] | None = None,
        *,
        priming: PrimingConfig | None = None,
        decoder_complexity: int = 0,
        activation_bytes: int = 2,
    ) -> None:
        """Start without any packet.

        Args:
            config: What to do; by default 48 kHz mono with everything on.
            weights: The networks. The first set gives vocoder and concealment, each set the payloads of its version;
                by default all sets at hand, published ones first.
            priming: The local encoder's settings.
            decoder_complexity: Complexity of libopus's decoder; from 5 on it conceals by its own networks, if it has
                them.
            activation_bytes: What the networks round their activations to: 2 bytes sound like floats; 1 is what libopus
                does, at half the cost where many streams are spoken at once.

        Raises:
            ModelError: Networks are needed and there are no weights.
        """
        config = config or ReceiverConfig()
        needs_networks = config.use_dred or config.plc == "neural"
        parts = None
        if needs_networks:
            parts = _shared_parts(tuple(_sets_at_hand() if weights is None else weights), activation_bytes)
        codec = OpusDecoder(config.rate_hz, config.channels, complexity=decoder_complexity)
        super().__init__(config, codec, parts, priming=priming)


class RtpReceiver(session.RtpReceiver):
    """Datagrams to speech, with the networks of weight sets."""

    def __init__(
        self,
        config: session.RtpReceiverConfig | None = None,
        weights: Sequence[WeightSet] | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Start without any source.

        Args:
            config: What to do.
            weights: The networks, as for `Receiver`.
            rng: For the SSRC and the times of reports; by default seeded by the operating system.

        Raises:
            ModelError: Networks are needed and there are no weights.
        """
        config = config or session.RtpReceiverConfig()
        super().__init__(config, lambda: Receiver(config.stream, weights), rng or np.random.default_rng())


class RtpSender(session.RtpSender):
    """Speech to datagrams, with the networks of a weight set."""

    def __init__(
        self,
        config: session.RtpSenderConfig | None = None,
        weights: WeightSet | None = None,
        *,
        controller: session.RedundancyControl | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Start a stream.

        Args:
            config: What to do.
            weights: The networks, as for `Sender`.
            controller: Decides about redundancy from what the other side reports; None to keep the configuration.
            rng: For SSRC, first numbers and the times of reports; by default seeded by the operating system.

        Raises:
            ModelError: There is no set at hand, or the weights speak another version, or are broken.
            UsageError: No set at hand speaks the version asked for.
        """
        config = config or session.RtpSenderConfig()
        super().__init__(config, Sender(config.stream, weights), controller, rng or np.random.default_rng())


def build_encoder(config: DredConfig, weights: WeightSet | None = None) -> NeuralEncoder:
    """Build the sender's networks for a configuration's version.

    Raises:
        ModelError: There is no set at hand, or the weights speak another version, or are broken.
        UsageError: No set at hand speaks the version asked for.
    """
    weights = weights or _weights_for(config)
    return NeuralEncoder(_tables_for(config, weights), *_encoder_networks(weights))


def build_encoder_bank(config: DredConfig, num_streams: int, weights: WeightSet | None = None) -> NeuralEncoderBank:
    """Build the sender's networks for several streams of one configuration.

    Raises:
        ModelError: There is no set at hand, or the weights speak another version, or are broken.
        UsageError: No set at hand speaks the version asked for.
    """
    weights = weights or _weights_for(config)
    return NeuralEncoderBank(_tables_for(config, weights), *_encoder_networks(weights), num_streams)


def build_parts(
    weights: Sequence[WeightSet], engine: Engine | None = None, *, activation_bytes: int = 2
) -> NeuralParts:
    """Build the receiver's networks: vocoder and concealment from the first set, redundancy readers from all.

    A set with an LPCNet speaks with it, any other with FARGAN.

    Args:
        weights: The sets.
        engine: What computes them, layer by layer; by default they run as whole compiled stages.
        activation_bytes: What these round activations to, 1 or 2 bytes.

    Raises:
        ModelError: There is no set, or an array is missing or does not fit.
        UsageError: Activations have another number of bytes.
    """
    if activation_bytes not in (1, 2):
        raise UsageError(f"activation_bytes must be 1 or 2, got {activation_bytes}")
    if not weights:
        raise ModelError("a receiver needs at least one set of weights")
    first, rounding = weights[0].tensors, {"activation_bytes": activation_bytes}
    return NeuralParts(
        extractor=FeatureExtractor.from_tensors(first, engine or default_engine()),
        predictor=Predictor.from_tensors(first, engine)
        if engine
        else CompiledPredictor.from_tensors(first, **rounding),
        vocoder=_vocoder(first, engine, activation_bytes),
        readers=tuple(reader for found in weights for reader in _readers(found, engine, activation_bytes)),
    )


def payload_tables(weights: WeightSet, version: DredVersion | None = None) -> PayloadTables:
    """Return the tables of a weight set, for a version of the payload that it speaks.

    Args:
        weights: The set.
        version: By default the one that senders use.

    Raises:
        ModelError: It speaks another version.
    """
    spoken = _spoken_versions(weights)
    if not spoken or version not in (None, *spoken):
        raise _speaks_another(weights, "a known one" if version is None else version.name)
    symbols = {
        vector: SymbolTables(
            scale_q8=weights.tables[f"{vector}_quant_scales_q8"],
            dead_zone_q8=weights.tables[f"{vector}_dead_zone_q8"],
            r_q8=weights.tables[f"{vector}_r_q8"],
            p0_q8=weights.tables[f"{vector}_p0_q8"],
        )
        for vector in ("latent", "state")
    }
    prior = LatentPrior(**weights.prior) if weights.prior else None
    return PayloadTables(version=version or spoken[0], latent=symbols["latent"], state=symbols["state"], prior=prior)


def _vocoder(
    tensors: Tensors, engine: Engine | None, activation_bytes: int
) -> Fargan | Lpcnet | CompiledFargan | CompiledLpcnet:
    has_lpcnet = any(name.startswith(_LPCNET_LAYERS) for name in tensors)
    if engine is not None:
        return Lpcnet.from_tensors(tensors, engine) if has_lpcnet else Fargan.from_tensors(tensors, engine)
    compiled = CompiledLpcnet if has_lpcnet else CompiledFargan
    return compiled.from_tensors(tensors, activation_bytes=activation_bytes)


def _readers(weights: WeightSet, engine: Engine | None, activation_bytes: int) -> list[RedundancyReader]:
    versions = _spoken_versions(weights)
    if not versions:
        return []
    dims = {"latent_dim": weights.latent_dim, "state_dim": weights.state_dim}
    decoder: CompiledDecoder | RdovaeDecoder
    if engine is None:
        decoder = CompiledDecoder.from_tensors(weights.tensors, **dims, activation_bytes=activation_bytes)
    else:
        decoder = RdovaeDecoder.from_tensors(weights.tensors, engine, **dims)
    return [RedundancyReader(tables=payload_tables(weights, version), decoder=decoder) for version in versions]


def _spoken_versions(weights: WeightSet) -> list[DredVersion]:
    name = str(weights.card.bitstream_version)
    if name == OWN_VERSION_NAME:
        return [own_version(weights.tables_sha256)]
    return [version for version in VERSIONS if _weights_version(version.name) == name]


def _weights_version(version: str) -> str:
    # The final standard's payload is version 12's without the prefix, as far as it is known.
    return DRED_V12.name if version == DRED_FINAL.name else version


def _speaks_another(weights: WeightSet, wanted: str) -> ModelError:
    return ModelError(f"the weights {weights.name} speak version {weights.card.bitstream_version}, not {wanted}")


def _weights_for(config: DredConfig) -> WeightSet:
    if config.version is None:
        return load()
    version = int(_weights_version(config.version))
    at_hand = [entry.card.bitstream_version for entry in available() if entry.card is not None]
    if at_hand and version not in at_hand:
        ways_out = "import such weights" if config.version == OWN_VERSION_NAME else WAYS_OUT
        raise UsageError(
            f"version {config.version} was asked for, and no weights at hand speak it: {ways_out}; "
            f"or do without a version, for what the best at hand speak ({at_hand[0]})"
        )
    return load(version=version)


def _tables_for(config: DredConfig, weights: WeightSet) -> PayloadTables:
    if config.version is None:
        return payload_tables(weights)
    for version in _spoken_versions(weights):
        if version.name == config.version:
            return payload_tables(weights, version)
    raise _speaks_another(weights, config.version)


def _sets_at_hand() -> list[WeightSet]:
    sets: list[WeightSet] = []
    for entry in available():
        # Whole sets come first: of others, payloads are all that is of use.
        if entry.card is not None and not (sets and _DECODER in entry.missing):
            # One damaged file is no reason to do without the others.
            with suppress(ModelError):
                found = load(entry.name)
                payload_tables(found)
                sets.append(found)
    return sets or [load()]


# Networks hold no state of a stream, so that all streams share them.
@lru_cache(maxsize=4)
def _shared_parts(weights: tuple[WeightSet, ...], activation_bytes: int) -> NeuralParts:
    return build_parts(weights, activation_bytes=activation_bytes)


@lru_cache(maxsize=4)
def _encoder_networks(weights: WeightSet) -> tuple[CompiledAnalysis, CompiledEncoder]:
    encoder = CompiledEncoder.from_tensors(weights.tensors, latent_dim=weights.latent_dim, state_dim=weights.state_dim)
    return CompiledAnalysis.from_tensors(weights.tensors), encoder
