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
    app.command("fetch")(fetch)
    app.command("build")(build)
    app.command("synthesise")(synthesise)
    return app


def fetch(
    collection: Annotated[str, typer.Argument(metavar="COLLECTION", help="festvox-ru is the only one so far.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the recordings go.")],
) -> None:
    """Fetch open speech through apt, from the mirror that this machine already uses, into a folder with a manifest.

    festvox-ru: 620 sentences of Russian read by one man, 180 MB, BSD-like. Nothing is installed. The package is trusted
    only by its pinned hash.

    \b
    Examples:
    dred corpus fetch festvox-ru --out festvox-ru
    """
    from dred.cli.progress import progress
    from dred.errors import UsageError
    from dred.training.data.festvox_ru import fetch_festvox_ru

    if collection != "festvox-ru":
        raise UsageError(f"the collection is festvox-ru, not {collection}")
    with progress("fetching"):
        num_recordings = fetch_festvox_ru(out)
    print(f"{num_recordings} recordings in {out}")


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


def synthesise(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the speech, new or of an earlier call.")],
    *,
    voices: Annotated[
        Path | None,
        typer.Option("--voices", metavar="PATH", help="The archive of kokoro-js, or a folder of its voices."),
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", help="How much speech the folder is to hold.")] = 60.0,
    text: Annotated[
        Path | None, typer.Option("--text", metavar="FILE", help="What to say, a line each. Default: our own grammar.")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="Of the text, as espeak names it.")] = "en-us",
    mixed: Annotated[float, typer.Option("--mixed", help="Share of utterances in a mix of two voices.")] = 0.5,
    seed: Annotated[int, typer.Option("--seed", help="Of the random numbers, at least 0.", min=0)] = 0,
) -> None:
    """Let Kokoro-82M speak, in 54 voices and mixes of them, into a folder that `corpus build` takes.

    The synthesiser is not part of dred and nothing is fetched: where a package is missing, the error says what to
    install. A call that was stopped goes on where it was, and one with more minutes adds to what is there.

    \b
    Examples:
    dred corpus synthesise synthesised --voices kokoro-js-1.2.1.tgz --minutes 600
    dred corpus synthesise spanish --voices kokoro-js-1.2.1.tgz --text lines.txt --language es
    """
    from dred.cli.progress import progress
    from dred.errors import UsageError
    from dred.training.synthesis import Kokoro, SynthesisConfig, read_sentences, read_voices
    from dred.training.synthesis import synthesise as fill

    sentences = tuple(read_sentences(text)) if text else ()
    config = SynthesisConfig(seed=seed, mixed_share=mixed, sentences=sentences)
    kokoro = Kokoro(language)
    if voices is None:
        raise UsageError("the synthesiser needs --voices: npm pack kokoro-js@1.2.1 brings them")
    with progress("speaking") as report:
        held = fill(out, kokoro, read_voices(voices), config, minutes=minutes, report=report)
    print(f"{held:.1f} min in {out}")
