"""An evaluation whose conditions are tones of different pitch, so that scripted listeners can tell what they hear."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from dred.evaluation.finding import Finding
from dred.evaluation.folder import write_evaluation
from dred.evaluation.records import ClipRecord, Evaluation, Named, Row
from dred.evaluation.streams import Rates
from dred.receiver import Source

RATE_HZ = 16_000
ORIGINAL_HZ = 250
SCHEMES = ("clean", "plc", "dred", "lbrr")
SECONDS = 0.6


def scheme_hz(scheme: str) -> int:
    """The pitch of a scheme; 1 kHz is left to the beeps."""
    return 400 + 110 * SCHEMES.index(scheme)


def tone_evaluation(
    num_clips: int = 6, schemes: Sequence[str] = SCHEMES, networks: Sequence[str] = ("uni20",)
) -> Evaluation:
    """Make an evaluation; an audio key tells its pitch and length."""
    clips = [
        ClipRecord(
            name=f"clip{number}", speaker=f"speaker{number % 3}", seconds=SECONDS, audio=f"{ORIGINAL_HZ}-{number}"
        )
        for number in range(num_clips)
    ]
    finding = Finding(
        sources=(Source.RECEIVED,),
        lost=(False,),
        delay_ms=6.5,
        rates=Rates(main=24.0, lbrr=0.0, red=0.0, dred=0.0),
        coverage=None,
    )
    return Evaluation(
        name="tones",
        title="Tones",
        seed=1,
        metrics=(),
        clips=tuple(clips),
        schemes=tuple(Named(name=name, family=name, title=name) for name in schemes),
        networks=tuple(Named(name=name, family=name, title=name) for name in networks),
        rows=tuple(
            Row(
                clip=clip.name,
                scheme=scheme,
                network=network,
                finding=finding,
                scores={},
                audio=f"{scheme_hz(scheme)}-{number}",
            )
            for scheme in schemes
            for network in networks
            for number, clip in enumerate(clips)
        ),
    )


def read_tone(key: str) -> np.ndarray:
    """Make the sound behind a key of `tone_evaluation`."""
    hz = int(key.partition("-")[0])
    times_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    return (0.2 * np.sin(2 * np.pi * hz * times_s)).astype(np.float32)


def write_tone_folder(directory: Path, evaluation: Evaluation) -> None:
    """Write the folder that such an evaluation would leave."""
    write_evaluation(evaluation, directory)
    for key in {row.audio for row in evaluation.rows} | {clip.audio for clip in evaluation.clips}:
        path = directory / "cache" / key[:2] / f"{key}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, read_tone(key), RATE_HZ, subtype="PCM_16")
