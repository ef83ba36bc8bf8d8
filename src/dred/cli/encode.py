"""`dred encode`: an audio file becomes packets with redundancy."""

from pathlib import Path
from typing import Annotated

import typer

from dred.cli import options


def encode(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Speech: wav, flac, ogg or mp3.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Packets: .pcap (RTP) or .opus (Ogg).")],
    bitrate: options.Bitrate = 24_000,
    total_bitrate: options.TotalBitrate = None,
    frame_ms: options.FrameMs = 20,
    application: options.Application = "voip",
    complexity: options.Complexity = 9,
    vbr: options.Vbr = True,
    bandwidth: options.Bandwidth = None,
    dtx: options.Dtx = False,
    dred_ms: options.DredMs = 1000,
    dred_version: options.DredVersion = None,
    q0: options.Q0 = 6,
    dq: options.Dq = 5,
    qmax: options.Qmax = 15,
    dred_max_bytes: options.DredMaxBytes = 1000,
    fec: options.Fec = False,
    expected_loss: options.ExpectedLoss = None,
    red: options.Red = 0,
    channels: Annotated[
        int | None, typer.Option("--channels", help="1 or 2. Default: as in the input; more become one.")
    ] = None,
    weights: options.Weights = None,
    as_json: options.Json = False,
) -> None:
    """Encode speech into Opus packets that carry redundancy.

    \b
    Examples:
    dred encode speech.wav call.pcap
    dred encode speech.wav call.opus --bitrate 16000 --dred-ms 500
    dred encode speech.wav call.pcap --fec --red 2 --dred-ms 0
    """
    import json

    from dred.audio import read_audio
    from dred.cli.files import check_output, reading
    from dred.cli.outgoing import as_channels, encode_audio
    from dred.cli.progress import progress
    from dred.cli.settings import dred_config, expected_loss_percent
    from dred.errors import UsageError
    from dred.rtp import write_packets
    from dred.sender import SenderConfig
    from dred.weights import load

    check_output(output, (".pcap", ".opus"))
    if red and output.suffix.lower() != ".pcap":
        raise UsageError("--red needs a .pcap: Ogg has no place for copies")
    with reading(source):
        audio = read_audio(source)
    num_channels = audio.samples.shape[1]
    config = SenderConfig(
        rate_hz=audio.rate_hz,
        channels=channels if channels is not None else num_channels if num_channels <= 2 else 1,
        bitrate_bps=bitrate,
        total_bitrate_bps=total_bitrate,
        frame_ms=frame_ms,
        application=application,
        complexity=complexity,
        vbr=vbr,
        bandwidth=bandwidth,
        in_band_fec=fec,
        expected_loss_percent=expected_loss_percent(expected_loss, fec=fec),
        dtx=dtx,
        dred=dred_config(
            dred_ms=dred_ms, dred_version=dred_version, q0=q0, dq=dq, qmax=qmax, dred_max_bytes=dred_max_bytes
        ),
    )
    samples = as_channels(audio.samples, config.channels)
    named = None if weights is None else load(weights)
    with progress("encoding") as report:
        outgoing = encode_audio(samples, config, num_copies=red, weights=named, report=report)
    write_packets(output, outgoing.stream)
    summary = outgoing.summarise()
    if as_json:
        print(json.dumps(summary))
        return
    rates = ", ".join(
        f"{name} {summary[key] / 1000:.1f} kb/s"
        for name, key in (("Opus", "opus_bps"), ("DRED", "dred_bps"), ("RED", "red_bps"))
        if summary[key]
    )
    print(f"{output}: {summary['packets']} packets, {summary['duration_ms'] / 1000:.2f} s; {rates}")
