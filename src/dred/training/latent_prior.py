"""Fit what a latent is expected to be, given the newer one, to the latents of speech.

    latents of clips --quantise at random levels--> pairs of neighbours -> network -> log-odds -> bits
                                                                              '-> rounded to integers = LatentPrior

Symbols stay what they are, so that decoded speech does, too: only their cost changes. The network is the integer one of
`dred.bitstream.prior`, with real weights while it is fitted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor, nn
from torch.nn import functional

from dred.bitstream import NUM_LEVELS, SymbolTables
from dred.bitstream.prior import NUM_QUANTITIES, ODDS_BITS, SIZE_BITS, WEIGHT_BITS, LatentPrior
from dred.bitstream.prior_kernels import LARGEST_HIDDEN, SIGNED_SIZES, UNSIGNED_SIZES
from dred.errors import UsageError
from dred.training.optimiser import Adam, AdamConfig

__all__ = ["PriorConfig", "fit_prior"]

_REPORTED_STEPS = 50
_LN_2 = float(np.log(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorConfig:
    """How a prior is fitted.

    Attributes:
        num_hidden: Width of the hidden layer.
        num_steps: Steps of the fit.
        batch: Latents per step.
        first_share: Share of latents that are taken as a packet's newest.
        slope_share: Share of latents whose newer one is a level finer.
        adam: How weights are moved.
        seed: Of everything random.
    """

    num_hidden: int = 32
    num_steps: int = 3000
    batch: int = 2048
    first_share: float = 0.1
    slope_share: float = 0.3
    adam: AdamConfig = field(default_factory=lambda: AdamConfig(rate=4e-3, average=0.99))
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.num_hidden, self.num_steps, self.batch) < 1:
            raise UsageError("num_hidden, num_steps and batch are at least 1")
        if not (0 <= self.first_share <= 1 and 0 <= self.slope_share <= 1):
            raise UsageError(f"shares lie in 0 to 1, got {self.first_share} and {self.slope_share}")


class PriorNetwork(nn.Module):
    """The prior with real weights, in units of its log-odds and sizes."""

    def __init__(self, tables: SymbolTables, num_hidden: int, generator: torch.Generator) -> None:
        """Start from the tables: nothing is expected that they do not say."""
        super().__init__()
        dim = tables.dim
        reach = (2 * dim) ** -0.5
        self.hidden_bias = nn.Parameter(torch.zeros(NUM_LEVELS, num_hidden))
        self.first_bias = nn.Parameter(torch.zeros(num_hidden))
        self.inputs = nn.Parameter(torch.empty(dim, 2, num_hidden).uniform_(-reach, reach, generator=generator))
        self.outputs = nn.Parameter(torch.zeros(num_hidden, NUM_QUANTITIES * dim))
        shares = [torch.from_numpy(table / np.float32(256)) for table in (tables.p0_q8, tables.r_q8)]
        odds = [torch.logit(share, eps=1 / 512) for share in shares]
        self.odds = nn.Parameter(torch.cat([*odds, torch.zeros(NUM_LEVELS, dim)], dim=1))
        self.inside = nn.Parameter(torch.zeros(dim, 2, NUM_QUANTITIES * dim))
        behind = torch.arange(dim)[:, None] < torch.arange(dim).repeat(NUM_QUANTITIES)
        self.register_buffer("behind", behind[:, None, :].float(), persistent=False)
        for name, sizes in (("signed", SIGNED_SIZES), ("unsigned", UNSIGNED_SIZES)):
            self.register_buffer(name, torch.from_numpy(sizes.astype(np.float32) / (1 << SIZE_BITS)), persistent=False)

    def forward(
        self,
        symbols: Float[Tensor, "batch dims"],
        levels: Int[Tensor, " batch"],
        newer: Float[Tensor, "batch dims"],
        is_first: Bool[Tensor, " batch"],
    ) -> Float[Tensor, "batch dims"]:
        """Return what each symbol costs, in bits; `newer` is in symbols at the same levels."""
        known = torch.where(is_first[:, None, None], 0.0, self._sizes(newer))
        hidden = (
            self.hidden_bias[levels]
            + is_first[:, None] * self.first_bias
            + known.flatten(1) @ self.inputs.flatten(0, 1)
        )
        inside = (self.inside * self.get_buffer("behind")).flatten(0, 1)
        odds = (
            self.odds[levels]
            + hidden.clamp(0, LARGEST_HIDDEN / (1 << SIZE_BITS)) @ self.outputs
            + self._sizes(symbols).flatten(1) @ inside
        )
        zero, decay, positive = odds.chunk(NUM_QUANTITIES, dim=1)
        magnitude = symbols.abs()
        nonzero_nats = (
            functional.softplus(zero)
            + functional.softplus(-positive * torch.sign(symbols))
            + functional.softplus(decay)
            + (magnitude - 1) * functional.softplus(-decay)
        )
        return torch.where(magnitude > 0, nonzero_nats, functional.softplus(-zero)) / _LN_2

    def _sizes(self, symbols: Float[Tensor, "batch dims"]) -> Float[Tensor, "batch dims 2"]:
        signed, unsigned = self.get_buffer("signed"), self.get_buffer("unsigned")
        sizes = torch.floor(symbols.abs() + 0.5).long().clamp(max=len(signed) - 1)
        return torch.stack([signed[sizes] * torch.sign(symbols), unsigned[sizes]], dim=-1)

    @torch.no_grad()
    def rounded(self) -> LatentPrior:
        """Return the integers."""

        def whole(values: Tensor, bits: int, dtype: type) -> np.ndarray:
            largest = np.iinfo(dtype).max
            return np.rint(values.double().numpy() * (1 << bits)).clip(-largest, largest).astype(dtype)

        def biases(values: Tensor) -> np.ndarray:
            return whole(values, ODDS_BITS, np.int32)

        def weights(values: Tensor) -> np.ndarray:
            return whole(values, WEIGHT_BITS, np.int16)

        return LatentPrior(
            hidden_bias=biases(self.hidden_bias),
            first_bias=biases(self.first_bias),
            inputs=weights(self.inputs),
            outputs=weights(self.outputs),
            odds=biases(self.odds),
            inside=weights(self.inside * self.get_buffer("behind")),
        )


def fit_prior(
    clips: Sequence[Float32[np.ndarray, "_ dims"]],
    tables: SymbolTables,
    config: PriorConfig,
    *,
    report: Callable[[int, float], None] = lambda *_: None,
) -> LatentPrior:
    """Fit a prior to the latents of clips.

    Args:
        clips: Latents of each 40 ms of each clip, as the encoder yields them, oldest first.
        tables: How they are quantised and coded.
        config: How it is fitted.
        report: Called now and then with the number of steps done, and bits as a share of what the tables alone cost.

    Raises:
        UsageError: No clip holds two latents.
    """
    latents = torch.from_numpy(np.concatenate(clips))
    has_newer = np.ones(len(latents), np.bool_)
    has_newer[np.cumsum([len(clip) for clip in clips if len(clip)]) - 1] = False
    steps = np.flatnonzero(has_newer)
    if not len(steps):
        raise UsageError("no clip holds two latents")
    network = PriorNetwork(tables, config.num_hidden, torch.Generator().manual_seed(config.seed))
    optimiser = Adam(network, config.adam)
    quantiser = _Quantiser(tables)
    # Each level counts by what it saves of its own bits.
    usual_bits = _usual_bits(latents[steps[:: max(1, len(steps) // 4096)]], quantiser, network)
    for step, (chosen, levels, newer_levels, is_first) in enumerate(_draw(steps, config)):
        optimiser.set_progress(step, config.num_steps)
        symbols = quantiser.symbols(latents[chosen], levels)
        newer = quantiser.symbols(latents[chosen + 1], newer_levels)
        newer = newer * quantiser.scales[levels] / quantiser.scales[newer_levels].clamp(min=1e-3)
        bits = network(symbols, levels, newer * quantiser.is_coded[levels], is_first)
        loss = ((bits * quantiser.is_coded[levels]).sum(1) / usual_bits[levels]).mean()
        optimiser.minimise(loss)
        if (step + 1) % _REPORTED_STEPS == 0 or step + 1 == config.num_steps:
            report(step + 1, float(loss.detach()))
    with torch.no_grad():
        for name, average in optimiser.averages().items():
            network.get_parameter(name).copy_(average)
    return network.rounded()


def _draw(steps: np.ndarray, config: PriorConfig) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    for number in range(config.num_steps):
        rng = np.random.default_rng([config.seed, number])
        levels = rng.integers(NUM_LEVELS, size=config.batch)
        finer = rng.random(config.batch) < config.slope_share
        drawn = (
            rng.choice(steps, config.batch),
            levels,
            np.maximum(levels - finer, 0),
            rng.random(config.batch) < config.first_share,
        )
        yield tuple(torch.from_numpy(part) for part in drawn)


class _Quantiser:
    """The sender's quantiser in torch; symbols that are not coded at a level are 0."""

    def __init__(self, tables: SymbolTables) -> None:
        scales, dead_zones = tables.quantiser[:, 0], tables.quantiser[:, 1]
        self.scales, self._dead_zones = (torch.from_numpy(part.copy()) for part in (scales, dead_zones))
        self.is_coded = torch.from_numpy(tables.model.is_coded.copy())

    def symbols(
        self, values: Float[Tensor, "batch dims"], levels: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch dims"]:
        scaled, dead_zones = values * self.scales[levels], self._dead_zones[levels]
        return torch.floor(scaled - dead_zones * torch.tanh(scaled / (dead_zones + 0.1)) + 0.5)


@torch.no_grad()
def _usual_bits(latents: Tensor, quantiser: _Quantiser, network: PriorNetwork) -> Float[Tensor, " levels"]:
    """Return what latents cost at each level before anything is fitted."""
    usual = []
    for level in range(NUM_LEVELS):
        levels = torch.full((len(latents),), level)
        symbols = quantiser.symbols(latents, levels)
        bits = network(symbols, levels, torch.zeros_like(symbols), torch.ones(len(latents), dtype=torch.bool))
        usual.append((bits * quantiser.is_coded[levels]).sum(1).mean())
    return torch.stack(usual).clamp(min=1.0)
