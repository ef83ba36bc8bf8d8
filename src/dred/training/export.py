"""Trained modules to a weight set.

A set is exported on top of another, which gives the networks that were not trained; its card says so. A set with an
RDO-VAE of ours has a bitstream version of its own, which no standard payload has.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from dred.assembly import payload_tables
from dred.bitstream import SymbolTables
from dred.errors import UsageError
from dred.rdovae import CompiledEncoder
from dred.training.data import Corpus
from dred.training.latent_prior import PriorConfig, fit_prior
from dred.training.layers import Dense, export_tensors
from dred.training.redundancy import RdovaeModel
from dred.training.symbol_statistics import SymbolStatistics, count_symbols
from dred.weights import PRIOR_DTYPES, Card, WeightSet
from dred.weights.layers import COMPONENTS

__all__ = ["OWN_BITSTREAM_VERSION", "RedundancyExport", "export_redundancy", "with_networks", "with_prior"]

OWN_BITSTREAM_VERSION = 201
"""Not a version of the standard: published payloads have 10 and 12."""

_STEP_FRAMES = 2
_STEPS_PER_LATENT = 2
_STEPS_PER_HOUR = 180_000
# What a prior is fitted to at most, 20 hours: a third of a gigabyte.
_MOST_STEPS = 20 * _STEPS_PER_HOUR
_STATISTICS_FRAMES = 256
_STATISTICS_WINDOWS = 512
_BATCH = 64
_SEED = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RedundancyExport:
    """The RDO-VAE as a weight set has it: arrays, and the tables of latents and states."""

    tensors: Mapping[str, np.ndarray]
    latent: SymbolTables
    state: SymbolTables

    @property
    def tables(self) -> dict[str, np.ndarray]:
        """The eight tables of a weight set."""
        return {
            f"{vector}_{role}_q8": getattr(tables, field)
            for vector, tables in (("latent", self.latent), ("state", self.state))
            for role, field in (
                ("quant_scales", "scale_q8"),
                ("dead_zone", "dead_zone_q8"),
                ("r", "r_q8"),
                ("p0", "p0_q8"),
            )
        }


@torch.no_grad()
def export_redundancy(model: RdovaeModel, corpus: Corpus) -> RedundancyExport:
    """Return an RDO-VAE's arrays and tables; what its symbols cost is counted on the corpus's training speech.

    The model is changed: dimensions that carry nothing are cut off, and scales are folded into its layers.

    Raises:
        UsageError: The corpus has no training speech.
        ModelError: The model is not trained.
    """
    latents, states = _encode(model, corpus)
    found = []
    for values, quantiser in ((latents, model.latent_quantiser), (states, model.state_quantiser)):
        scales, dead_zones = (part.cpu().float().numpy() for part in (quantiser.scales(), quantiser.dead_zones()))
        found.append(count_symbols(values, scales, dead_zones))
    latent, state = found
    _fold(model.encoder.enc_zdense, model.decoder.dec_dense1, latent)
    _fold(model.encoder.gdense2, model.decoder.dec_hidden_init, state)
    tensors = export_tensors(model.encoder) | export_tensors(model.decoder)
    return RedundancyExport(tensors=tensors, latent=latent.tables, state=state.tables)


def with_networks(
    base: WeightSet, name: str, card: Card, tensors: Mapping[str, np.ndarray], tables: Mapping[str, np.ndarray]
) -> WeightSet:
    """Return a set with some networks and tables replaced: all layers of each network that the arrays belong to.

    Raises:
        ModelError: Arrays and tables contradict one another.
    """
    replaced = tuple(
        prefix
        for prefixes in COMPONENTS.values()
        if any(array.startswith(prefixes) for array in tensors)
        for prefix in prefixes
    )
    kept = {array: values for array, values in base.tensors.items() if not array.startswith(replaced)}
    # A prior expects the latents of the encoder that it was fitted to.
    prior = {} if tables else base.prior
    return WeightSet(name=name, card=card, tensors=kept | dict(tensors), tables={**base.tables, **tables}, prior=prior)


def with_prior(
    weights: WeightSet, corpus: Corpus, config: PriorConfig, *, report: Callable[[int, float], None] = lambda *_: None
) -> WeightSet:
    """Return a set of our own with a prior that is fitted to what its encoder makes of a corpus's training speech.

    Args:
        weights: The set; a prior that it has is replaced. Its card's `training` tells of the fit from now on.
        corpus: The speech; of much of it, clips are drawn.
        config: How the prior is fitted.
        report: As `fit_prior` takes it.

    Raises:
        UsageError: The set's payloads are a standard's, or the corpus has no training speech.
    """
    if weights.card.is_interoperable:
        raise UsageError(
            f"payloads of {weights.name} are version {weights.card.bitstream_version}: coded without a prior"
        )
    encoder = CompiledEncoder.from_tensors(weights.tensors, latent_dim=weights.latent_dim, state_dim=weights.state_dim)
    spoken = [clip for clip in corpus.clips if clip["split"] == "train"]
    if not spoken:
        raise UsageError("the corpus has no training speech")
    clips: list[np.ndarray] = []
    num_steps = 0
    for number in np.random.default_rng(config.seed).permutation(len(spoken)):
        first, num_frames = (int(spoken[number][key]) for key in ("first_frame", "num_frames"))
        steps = np.array(corpus.features[first : first + num_frames // _STEP_FRAMES * _STEP_FRAMES])
        latents, _ = encoder.encode_steps(encoder.initial_state(), steps.reshape(-1, _STEP_FRAMES, steps.shape[1]))
        clips += [latents[phase::_STEPS_PER_LATENT] for phase in range(_STEPS_PER_LATENT)]
        num_steps += len(latents)
        if num_steps >= _MOST_STEPS:
            break
    prior = fit_prior(clips, payload_tables(weights).latent, config, report=report)
    fit = {"steps": config.num_steps, "seed": config.seed, "hours": round(num_steps / _STEPS_PER_HOUR, 3)}
    card = replace(weights.card, training=json.dumps({"before": weights.card.training, "prior": fit}))
    return replace(weights, card=card, prior={name: getattr(prior, name) for name in PRIOR_DTYPES})


def _encode(model: RdovaeModel, corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Return latents and states of training speech, one of each per 40 ms."""
    device = next(model.parameters()).device
    rng = np.random.default_rng(_SEED)
    firsts = corpus.sampler("train", window_frames=_STATISTICS_FRAMES, balance=1.0).draw(rng, _STATISTICS_WINDOWS)
    latents: list[np.ndarray] = []
    states: list[np.ndarray] = []
    for start in range(0, len(firsts), _BATCH):
        rows = firsts[start : start + _BATCH, None] + np.arange(_STATISTICS_FRAMES)
        encoded = model.encoder(torch.from_numpy(corpus.features[rows]).to(device))
        for kept, values in zip((latents, states), encoded, strict=True):
            kept.append(values[:, 1::2].flatten(0, 1).cpu().float().numpy())
    return np.concatenate(latents), np.concatenate(states)


def _fold(source: Dense, target: Dense, statistics: SymbolStatistics) -> None:
    """Multiply what a layer yields, divide what the other takes, and keep the dimensions that carry something.

    Further inputs of the target, behind those dimensions, stay as they are.
    """
    gains = torch.from_numpy(statistics.gains).to(source.weight.device)
    kept = torch.from_numpy(np.flatnonzero(statistics.is_kept)).to(source.weight.device)
    source.weight = nn.Parameter((source.weight * gains[:, None])[kept])
    source.bias = nn.Parameter((source.bias * gains)[kept])
    coded, further = target.weight[:, : len(gains)], target.weight[:, len(gains) :]
    target.weight = nn.Parameter(torch.cat([(coded / gains)[:, kept], further], dim=1))
