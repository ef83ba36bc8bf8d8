"""`dred decode`: packets become speech again."""

from pathlib import Path
from typing import Annotated

import typer

from dred.cli import options


def decode(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Packets: .pcap, .pcapng or .opus.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Speech: .wav, in step with the encoder's input.")],
    trace: options.Trace = None,
    plc: options.Plc = "neural",
    no_dred: options.NoDred = False,
    no_lbrr: options.NoLbrr = False,
    no_red: options.NoRed = False,
    priming: options.Priming = True,
    rate: Annotated[int, typer.Option("--rate", help="Output rate: 8000, 12000, 16000, 24000 or 48000.")] = 48_000,
    channels: Annotated[int | None, typer.Option("--channels", help="1 or 2. Default: as in the stream.")] = None,
    lookahead_ms: Annotated[
        float | None,
        typer.Option("--lookahead-ms", help="Codec delay to cut. Default: the file's pre-skip, else 6.5."),
    ] = None,
    weights: options.Weights = None,
    as_json: options.Json = False,
) -> None:
    """Decode packets to speech: redundancy and concealment fill what was lost.

    \b
    Examples:
    dred decode call.pcap speech.wav
    dred decode call.opus speech.wav --trace loss.txt --rate 16000
    dred decode call.pcap plain.wav --trace loss.txt --no-dred --no-lbrr --plc classic
    """
    import json

    from dred.audio import write_wav
    from dred.channel import read_trace
    from dred.cli.files import check_output, reading
    from dred.cli.incoming import decode_stream
    from dred.cli.progress import progress
    from dred.receiver import ReceiverConfig
    from dred.rtp import read_packets
    from dred.weights import load

    check_output(output, (".wav",))
    with reading(source):
        stream = read_packets(source)
    lost = None
    if trace is not None:
        with reading(trace):
            lost = read_trace(trace)
    config = ReceiverConfig(
        rate_hz=rate,
        channels=channels if channels is not None else stream.channels,
        use_red=not no_red,
        use_lbrr=not no_lbrr,
        use_dred=not no_dred,
        plc=plc,
        priming=priming,
    )
    named = None if weights is None else [load(weights)]
    with progress("decoding") as report:
        decoded = decode_stream(stream, config, lost=lost, lookahead_ms=lookahead_ms, weights=named, report=report)
    write_wav(output, decoded.samples, rate)
    if as_json:
        print(json.dumps(decoded.summarise()))
        return
    sources = ", ".join(f"{name} {ms / 1000:.2f} s" for name, ms in decoded.played_ms().items() if ms)
    lost_to_trace = f", {decoded.num_lost} lost" if trace is not None else ""
    print(f"{output}: {decoded.num_packets} packets{lost_to_trace}; played {sources}")
