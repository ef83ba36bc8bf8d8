"""What is heard in a listening test: an evaluation and a configuration enter, a plan leaves.

| role       | what it is                                                      | known answer                      |
|------------|-----------------------------------------------------------------|-----------------------------------|
| volume     | an original, to set the volume                                  |                                   |
| headphones | three tones, one softer, one in antiphase                       | the softer one                    |
| training   | the original, a destroyed recording, a few of the conditions    |                                   |
| rated      | a recording in a condition                                      |                                   |
| trap       | speech that beeps interrupt: choose as many as you heard        | their number                      |
| trap       | ACR: the original                                               | fair or better                    |
| trap       | ACR: a destroyed recording                                      | poor or bad                       |
| trap       | CCR: the original twice                                         | at most slightly different        |
| trap       | CCR: the original and a destroyed recording, either first       | the side that is worse            |

P.808 traps with a spoken instruction. No speech can be made here for any language, so that beeps are counted instead:
nobody passes who does not listen. Known recordings catch what counting cannot: a scale that is read upside down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from dred.errors import UsageError
from dred.evaluation.records import ClipRecord, Evaluation, Named
from dred.listening.config import ListeningConfig, Method
from dred.listening.plan import DESTROYED, ORIGINAL, Item, Plan, Role, Sound, SoundKind, softer_tone

__all__ = ["make_plan"]

_NUM_HEADPHONE_TRIALS = 6
_TRAINING_CONDITIONS = 3
_MAX_BEEPS = 5
# Lower bounds; what the beeps add does not matter.
_TONES_SECONDS = 4.0
_INTERRUPTED_SECONDS = 3.0


def make_plan(evaluation: Evaluation, config: ListeningConfig) -> Plan:
    """Choose what is heard.

    Raises:
        UsageError: There is no such scheme or network, or nothing to hear.
    """
    schemes = _chosen("scheme", evaluation.schemes, config.schemes)
    networks = _chosen("network", evaluation.networks, config.networks)
    rated, spare = _spread(evaluation.clips, config.clips)
    order = np.random.default_rng([config.seed, 0]).permutation(len(rated))
    rated = [rated[place] for place in order]
    audio = {(row.scheme, row.network, row.clip): row.audio for row in evaluation.rows}
    cells = [
        [_Cell(scheme, network, clip) for clip in rated]
        if config.by_network
        else [_Cell(scheme, networks[place % len(networks)], clip) for place, clip in enumerate(rated)]
        for scheme in schemes
        for network in (networks if config.by_network else networks[:1])
    ]
    # Practice with a recording that is not rated, if there is one.
    practice = spare[0] if spare else rated[0]
    conditions = tuple(row[0].condition(by_network=config.by_network) for row in cells)
    shown = np.unique(np.linspace(0, len(cells) - 1, min(len(cells), _TRAINING_CONDITIONS)).round().astype(int))
    maker = _Maker(audio, config)
    return Plan(
        title=evaluation.title,
        config=config,
        conditions=conditions,
        clips=tuple(clip.name for clip in rated),
        items=(
            _known("volume", Role.VOLUME, "", practice, [_speech(practice)]),
            *_headphone_trials(),
            *maker.training(practice, [_Cell(cells[at][0].scheme, cells[at][0].network, practice) for at in shown]),
            *(maker.judged(cell, Role.RATED) for row in cells for cell in row),
            *maker.traps([practice, *rated]),
        ),
    )


def _chosen(kind: str, all_of_them: Sequence[Named], wanted: Sequence[str] | None) -> list[str]:
    known = [named.name for named in all_of_them]
    for name in wanted or ():
        if name not in known:
            raise UsageError(f"the evaluation has no {kind} {name!r}, only {', '.join(known)}")
    chosen = [name for name in known if wanted is None or name in wanted]
    if not chosen:
        raise UsageError(f"the evaluation has no {kind}")
    return chosen


def _spread(clips: Sequence[ClipRecord], count: int) -> tuple[list[ClipRecord], list[ClipRecord]]:
    """Take the first clip of every speaker, then the second, and so on; return those taken and the rest."""
    speakers: dict[str, list[ClipRecord]] = {}
    for clip in clips:
        speakers.setdefault(clip.speaker, []).append(clip)
    in_turns = [clip for turn in zip_longest(*speakers.values()) for clip in turn if clip is not None]
    if not in_turns:
        raise UsageError("the evaluation has no clip")
    return in_turns[:count], in_turns[count:]


@dataclass(frozen=True, slots=True)
class _Cell:
    scheme: str
    network: str
    clip: ClipRecord

    def condition(self, *, by_network: bool) -> str:
        return f"{self.scheme} / {self.network}" if by_network else self.scheme


class _Maker:
    """Makes items of an evaluation's speech."""

    def __init__(self, audio: Mapping[tuple[str, str, str], str], config: ListeningConfig) -> None:
        self._audio = audio
        self._config = config

    def judged(self, cell: _Cell, role: Role) -> Item:
        place = (cell.scheme, cell.network, cell.clip.name)
        if place not in self._audio:
            raise UsageError(f"the evaluation lacks clip {place[2]!r} through {place[0]!r} over {place[1]!r}")
        sound = Sound(speech=self._audio[place], original=cell.clip.audio)
        sounds = (sound,) if self._config.method is Method.ACR else (_speech(cell.clip), sound)
        return Item(
            name="/".join((role.value, *place)),
            role=role,
            condition=cell.condition(by_network=self._config.by_network),
            scheme=cell.scheme,
            network=cell.network,
            clip=cell.clip.name,
            sounds=sounds,
            seconds=cell.clip.seconds * len(sounds),
        )

    def training(self, clip: ClipRecord, cells: Sequence[_Cell]) -> list[Item]:
        first = [] if self._config.method is Method.ACR else [_speech(clip)]
        return [
            _known("training/original", Role.TRAINING, ORIGINAL, clip, [*first, _speech(clip)]),
            _known("training/destroyed", Role.TRAINING, DESTROYED, clip, [*first, _destroyed(clip)]),
            *(self.judged(cell, Role.TRAINING) for cell in cells),
        ]

    def traps(self, clips: Sequence[ClipRecord]) -> list[Item]:
        counted = [_beeps(clips[count % len(clips)], count, self._config.method) for count in range(1, _MAX_BEEPS + 1)]
        known = [trap for clip in dict.fromkeys(clips) for trap in self._known_traps(clip)]
        return [*counted, *known]

    def _known_traps(self, clip: ClipRecord) -> list[Item]:
        def trap(name: str, condition: str, sounds: Sequence[Sound], accepted: tuple[int, ...]) -> Item:
            return _known(f"trap/{name}/{clip.name}", Role.TRAP, condition, clip, sounds, accepted)

        good, bad = _speech(clip), _destroyed(clip)
        if self._config.method is Method.ACR:
            return [trap("good", ORIGINAL, [good], (3, 4, 5)), trap("bad", DESTROYED, [bad], (1, 2))]
        return [
            trap("good", ORIGINAL, [good, good], (3, 4, 5)),
            trap("bad", DESTROYED, [good, bad], (1, 2, 3)),
            replace(trap("bad-first", DESTROYED, [bad, good], (5, 6, 7)), reference_first=False),
        ]


def _headphone_trials() -> list[Item]:
    return [
        Item(
            name=f"headphones/{number}",
            role=Role.HEADPHONES,
            sounds=(Sound(kind=SoundKind.TONES, number=number),),
            accepted=(softer_tone(number),),
            seconds=_TONES_SECONDS,
        )
        for number in range(_NUM_HEADPHONE_TRIALS)
    ]


def _beeps(clip: ClipRecord, count: int, method: Method) -> Item:
    beeps = Sound(kind=SoundKind.BEEPS, speech=clip.audio, original=clip.audio, number=count)
    return _known(
        f"trap/beeps/{count}",
        Role.TRAP,
        "",
        clip,
        [beeps] if method is Method.ACR else [_speech(clip), beeps],
        (count,),
        seconds=min(clip.seconds, _INTERRUPTED_SECONDS) + (0 if method is Method.ACR else clip.seconds),
    )


def _known(
    name: str,
    role: Role,
    condition: str,
    clip: ClipRecord,
    sounds: Sequence[Sound],
    accepted: tuple[int, ...] = (),
    seconds: float | None = None,
) -> Item:
    return Item(
        name=name,
        role=role,
        condition=condition,
        clip=clip.name,
        sounds=tuple(sounds),
        accepted=accepted,
        seconds=clip.seconds * len(sounds) if seconds is None else seconds,
    )


def _speech(clip: ClipRecord) -> Sound:
    return Sound(speech=clip.audio, original=clip.audio)


def _destroyed(clip: ClipRecord) -> Sound:
    return Sound(kind=SoundKind.DESTROYED, speech=clip.audio, original=clip.audio)
