"""`dred corpus`: recordings to what networks learn from."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["build_app"]

Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="SOURCES...", help="Folders of recordings, with or without a manifest.jsonl, or manifests of lhotse."
    ),
]


def build_app() -> typer.Typer:
    """Build the group of commands."""
    app = typer.Typer(help="Corpora: recordings, augmented, with their features.")
    app.callback()(_start)
    app.command("build")(build)
    return app


def _start() -> None:
    """Keep the group a group while it has one command."""


def build(
    sources: Sources,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the corpus goes.")],
    variants: Annotated[
        int, typer.Option("--variants", help="Of each training recording; all but the first are augmented.")
    ] = 4,
    max_pause_ms: Annotated[
        float | None,
        typer.Option("--max-pause-ms", help="Shorten longer pauses to this, at least 300. Default: leave them."),
    ] = None,
    tempo: Annotated[
        float, typer.Option("--tempo", help="Share of variants at another tempo and the same pitch.")
    ] = 0.2,
    formants: Annotated[
        float, typer.Option("--formants", help="Share of variants with other formants and the same pitch.")
    ] = 0.2,
    rooms: Annotated[float, typer.Option("--rooms", help="Share of variants that are heard in a computed room.")] = 0.2,
    codec: Annotated[float, typer.Option("--codec", help="Share of variants that Opus has coded.")] = 0.1,
    noises: Annotated[
        Path | None,
        typer.Option("--noises", metavar="FOLDER", help="Recordings of noise; half of the noises come from there."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the random numbers, at least 0.", min=0)] = 0,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes.", min=1)] = 1,
    weights: Annotated[
        str, typer.Option("--weights", metavar="NAME", help="Installed weights whose pitch network tells the pitch.")
    ] = "",
) -> None:
    """Build a corpus: 16 kHz speech, augmented, and its features.

    A manifest says who speaks in which split; without one, folders are speakers. A file is a manifest of lhotse: cuts,
    or recordings with their supervisions beside them. Recordings of the split `test` are left out. A build that was
    stopped goes on where it was.

    \b
    Examples:
    dred corpus build ../shared/data/speech --out corpus --jobs 4
    dred corpus build recordings more/recordings --out corpus --variants 1
    dred corpus build recordings --out corpus --rooms 0.5 --noises noises --max-pause-ms 500
    dred corpus build librispeech_cuts_train-clean-100.jsonl.gz --out corpus
    """
    from dred.cli.progress import progress
    from dred.training.data import Augmentation, CorpusConfig, build_corpus, find_clips

    augmentation = Augmentation(
        tempo_share=tempo,
        formant_share=formants,
        room_share=rooms,
        codec_share=codec,
        noise_folder=str(noises) if noises else "",
    )
    config = CorpusConfig(
        num_variants=variants, max_pause_ms=max_pause_ms, augmentation=augmentation, seed=seed, weights=weights
    )
    clips = find_clips(sources)
    with progress("building") as report:
        corpus = build_corpus(clips, out, config, jobs=jobs, report=report)
    for split in sorted({clip["split"] for clip in corpus.clips}):
        chosen = [clip for clip in corpus.clips if clip["split"] == split]
        minutes = sum(clip["num_frames"] for clip in chosen) / 6000
        speakers = len({clip["speaker"] for clip in chosen})
        print(f"{split}: {minutes:.1f} min of {speakers} speakers")
