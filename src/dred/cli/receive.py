"""`dred receive`: speech from the network, to speakers or a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dred.cli import options

if TYPE_CHECKING:
    from dred.live import ReceivingFigures


def receive(
    listen: Annotated[
        str, typer.Argument(metavar="HOST:PORT", help="Address to listen on, such as 127.0.0.1:5004 or 0.0.0.0:5004.")
    ],
    output: Annotated[
        Path | None, typer.Argument(metavar="[OUT]", help="Where speech goes, .wav. Default: the speakers.")
    ] = None,
    *,
    key: options.Key = None,
    key_file: options.KeyFile = None,
    insecure: options.Insecure = False,
    seconds: options.Seconds = None,
    stay: Annotated[bool, typer.Option("--stay", help="Go on when the sender says goodbye, for the next one.")] = False,
    device: options.Device = None,
    rate: Annotated[int, typer.Option("--rate", help="8000, 12000, 16000, 24000 or 48000.")] = 48_000,
    delay_ms: Annotated[float, typer.Option("--delay-ms", help="How long the first packet waits.")] = 80.0,
    adaptive: Annotated[
        bool, typer.Option("--adaptive/--fixed-delay", help="Let the delay follow the network, or keep it.")
    ] = True,
    plc: options.Plc = "neural",
    no_dred: options.NoDred = False,
    no_lbrr: options.NoLbrr = False,
    no_red: options.NoRed = False,
    as_json: options.Json = False,
) -> None:
    """Receive speech by RTP and play it or write it to a file, and show who repaired what.

    Ends when the sender says goodbye; an interrupt (Ctrl-C) ends it too, and keeps what was heard.

    \b
    Examples:
    dred receive 127.0.0.1:5004 heard.wav
    dred receive 0.0.0.0:5004 --key-file call.key
    dred receive 127.0.0.1:5004 heard.wav --seconds 10 --json
    """
    import asyncio
    import json
    from contextlib import ExitStack

    from dred.assembly import RtpReceiver
    from dred.cli.files import check_output
    from dred.cli.kernel_tour import compile_all
    from dred.cli.live_run import (
        now_ms,
        read_key,
        run_until_stopped,
        showing,
        unix_ms_at_zero,
        with_key,
    )
    from dred.cli.live_view import receiving_view
    from dred.cli.progress import progress
    from dred.live import (
        Endpoint,
        ReceivingFigures,
        SpeechSink,
        WavSink,
        parse_endpoint,
        receive_speech,
        require_protection,
    )
    from dred.live.sinks import SpeakerSink
    from dred.receiver import AdaptiveDelay, ReceiverConfig
    from dred.session import RtpReceiverConfig
    from dred.weights import load

    if output is not None:
        check_output(output, (".wav",))
    secret = read_key(key, key_file)
    endpoint = parse_endpoint(listen)
    require_protection(endpoint, has_key=secret is not None, insecure=insecure)
    protection = with_key(secret)
    stream = ReceiverConfig(
        rate_hz=rate,
        delay_ms=delay_ms,
        adaptive=AdaptiveDelay() if adaptive else None,
        plc=plc,
        use_dred=not no_dred,
        use_lbrr=not no_lbrr,
        use_red=not no_red,
    )
    receiver = RtpReceiver(RtpReceiverConfig(stream=stream, unix_ms_at_zero=unix_ms_at_zero()))
    if stream.use_dred or plc == "neural":
        with progress("preparing"):
            compile_all(load())
    how = "protected" if secret is not None else "in the clear"
    title = f"dred receive {endpoint}, {how}"

    def name_address(bound: Endpoint) -> None:
        nonlocal title
        title = f"dred receive {bound}, {how}"
        if not as_json:
            print(f"listening on {bound}, {how} (Ctrl-C ends it)", flush=True)

    async def run(stop: asyncio.Event) -> ReceivingFigures:
        with ExitStack() as opened:
            sink: SpeechSink
            if output is not None:
                sink = opened.enter_context(WavSink(output, rate_hz=rate))
            else:
                sink = opened.enter_context(SpeakerSink(device, rate_hz=rate))
            show = opened.enter_context(
                showing(
                    lambda figures, columns: receiving_view(figures, title, columns=columns),
                    _line,
                    as_json=as_json,
                )
            )
            return await receive_speech(
                receiver,
                endpoint,
                sink,
                protection,
                now=now_ms,
                stop=stop,
                seconds=seconds,
                stays=stay,
                on_start=name_address,
                on_second=show,
            )

    figures, _ = run_until_stopped(run)
    if as_json:
        print(json.dumps({"summary": figures.as_json()}))
        return
    print(_line(figures) if figures.ssrc is not None else _nothing(figures))
    if output is not None and figures.ssrc is not None:
        print(f"{output}: what was heard")


def _line(figures: "ReceivingFigures") -> str:
    if figures.ssrc is None:
        return f"{figures.seconds:6.1f} s  waiting" + (f", {figures.num_refused} refused" * bool(figures.num_refused))
    total_ms = sum(figures.played_ms.values()) or 1.0
    repaired = ", ".join(
        f"{name} {100 * ms / total_ms:.1f} %" for name, ms in figures.played_ms.items() if ms and name != "received"
    )
    return (
        f"{figures.seconds:6.1f} s  {figures.num_packets} packets, {figures.num_lost} lost, "
        f"jitter {figures.jitter_ms:.1f} ms, delay {figures.delay_ms:.0f} ms"
        + (f"; played from {repaired}" if repaired else "")
    )


def _nothing(figures: "ReceivingFigures") -> str:
    refused = f"; {figures.num_refused} datagrams were refused: another key, or no key?" if figures.num_refused else ""
    return f"nobody spoke within {figures.seconds:.0f} s{refused}"
