"""What an evaluation finds: one row per clip, scheme and network."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from dred.evaluation.finding import Finding
from dred.evaluation.score import Score, total_score
from dred.evaluation.streams import Coverage, Rates
from dred.receiver import Source

__all__ = ["ClipRecord", "Evaluation", "Named", "Row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRecord:
    """A recording of the evaluation.

    Attributes:
        name: Unique within the evaluation.
        speaker: Who speaks; the clip's own name if unknown.
        seconds: How long it is.
        audio: Key of the original.
        text: What is said, if known.
    """

    name: str
    speaker: str
    seconds: float
    audio: str
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A scheme or a network of the evaluation.

    Attributes:
        name: Unique among the schemes, or the networks.
        family: What it shares with the same scheme at other rates, or network at other losses: one line of a curve.
        title: What it is, in a phrase.
        is_recorded: Whether a network's losses were recorded; false for all schemes.
    """

    name: str
    family: str
    title: str
    is_recorded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One clip through one scheme over one network.

    Attributes:
        clip: Name of the clip.
        scheme: Name of the scheme.
        network: Name of the network.
        finding: What was sent, lost and repaired.
        scores: By name of the metric.
        audio: Key of the speech: rows that sound the same share it.
    """

    clip: str
    scheme: str
    network: str
    finding: Finding
    scores: Mapping[str, Score]
    audio: str

    @property
    def sources(self) -> tuple[Source, ...]:
        """For each packet of 20 ms, where its speech came from."""
        return self.finding.sources

    @property
    def lost(self) -> tuple[bool, ...]:
        """For each packet, whether it was lost; the lossless scheme loses none."""
        return self.finding.lost

    @property
    def delay_ms(self) -> float:
        """The codec's delay, taken out of the speech: packet n starts at n * 20 - delay_ms."""
        return self.finding.delay_ms

    @property
    def rates(self) -> Rates:
        """What was sent."""
        return self.finding.rates

    @property
    def coverage(self) -> Coverage | None:
        """Of deep redundancy; None without it."""
        return self.finding.coverage

    @property
    def num_lost(self) -> int:
        """Number of lost packets."""
        return sum(self.lost)

    @property
    def loss_percent(self) -> float:
        """Share of lost packets."""
        return 100 * self.num_lost / len(self.lost)

    @property
    def repairs(self) -> Mapping[Source, int]:
        """How many lost packets each mechanism replaced."""
        repairing = [source for source, is_lost in zip(self.sources, self.lost, strict=True) if is_lost]
        return {source: repairing.count(source) for source in Source if source is not Source.RECEIVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that was found.

    Attributes:
        name: Of the experiment.
        title: Of the experiment, for a heading.
        seed: Of all random numbers.
        metrics: Names of the metrics that were asked for, in order.
        clips: In order.
        schemes: In order.
        networks: In order.
        rows: One per scheme, network and clip, in this order of loops.
        facts: Versions and weights: what a reader must know to repeat it.
    """

    name: str
    title: str
    seed: int
    metrics: tuple[str, ...]
    clips: tuple[ClipRecord, ...]
    schemes: tuple[Named, ...]
    networks: tuple[Named, ...]
    rows: tuple[Row, ...]
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def lossy_networks(self) -> tuple[str, ...]:
        """Names of the networks that lost anything, in order."""
        lossy = {row.network for row in self.rows if row.num_lost}
        return tuple(network.name for network in self.networks if network.name in lossy)

    def clip_scores(self, metric: str, scheme: str, networks: Collection[str] | None = None) -> tuple[Score, ...]:
        """Return a scheme's scores by clip, in their order, added up over networks; by default over all."""
        wanted = [row for row in self.rows if row.scheme == scheme and (networks is None or row.network in networks)]
        return tuple(total_score(row.scores[metric] for row in wanted if row.clip == clip.name) for clip in self.clips)
