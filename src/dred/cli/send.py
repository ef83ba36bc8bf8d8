"""`dred send`: speech to the network, from a microphone or a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dred.cli import options

if TYPE_CHECKING:
    from dred.live import SendingFigures

_NETWORK = "Network"


def send(
    to: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where a `dred receive` listens.")],
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[IN]", help="Speech: wav, flac, ogg or mp3, as if spoken now. Default: the microphone."
        ),
    ] = None,
    *,
    key: options.Key = None,
    key_file: options.KeyFile = None,
    insecure: options.Insecure = False,
    seconds: options.Seconds = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="Begin the file again at its end.")] = False,
    device: options.Device = None,
    bitrate: options.Bitrate = 24_000,
    dred_ms: options.DredMs = 1000,
    fec: options.Fec = False,
    expected_loss: options.ExpectedLoss = None,
    red: options.Red = 0,
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget",
            help="Split so many bit/s, RTP included, between Opus, LBRR, RED and DRED, as reported losses ask for; "
            "--bitrate (without LBRR), --red and --dred-ms are then the most.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    mtu: Annotated[int, typer.Option("--mtu", help="Largest RTP packet in bytes.", rich_help_panel=_NETWORK)] = 1200,
    network: options.Network = None,
    loss: Annotated[
        float,
        typer.Option("--loss", help="Throw away packets in percent, to show what happens.", rich_help_panel=_NETWORK),
    ] = 0.0,
    burst: Annotated[
        float,
        typer.Option(
            "--burst", help="Mean packets thrown away in a row; 1 = each on its own.", rich_help_panel=_NETWORK
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", help="Other seed, other losses.", rich_help_panel=_NETWORK)] = 1,
    weights: options.Weights = None,
    as_json: options.Json = False,
) -> None:
    """Send speech by RTP with redundancy, and show what the bits are spent on and what arrives.

    Ends with the file; an interrupt (Ctrl-C) ends it too. Either way it says goodbye.

    \b
    Examples:
    dred send 127.0.0.1:5004 speech.wav
    dred send 127.0.0.1:5004 speech.wav --loss 20 --burst 3
    dred send 127.0.0.1:5004 speech.wav --network train
    dred send 127.0.0.1:5004 speech.wav --loss 20 --burst 3 --budget 48000
    dred send example.org:5004 --key-file call.key
    """
    import asyncio
    import json
    from contextlib import ExitStack

    import numpy as np

    from dred.assembly import RtpSender
    from dred.channel import GilbertElliott, LossModel, NetworkLosses, Uniform, find_preset
    from dred.cli.files import reading
    from dred.cli.kernel_tour import compile_all
    from dred.cli.live_run import (
        now_ms,
        read_key,
        run_until_stopped,
        showing,
        unix_ms_at_zero,
        with_key,
    )
    from dred.cli.live_view import sending_view
    from dred.cli.progress import progress
    from dred.cli.settings import expected_loss_percent
    from dred.errors import UsageError
    from dred.live import FileSource, SendingFigures, SpeechSource, parse_endpoint, require_protection, send_speech
    from dred.live.sources import MicrophoneSource
    from dred.sender import DredConfig, RedundancyController, SenderConfig, limits_of
    from dred.session import RtpSenderConfig
    from dred.weights import load

    if network is not None and (loss != 0 or burst != 1):
        raise UsageError("losses come from --network or from --loss and --burst, not from both")
    secret = read_key(key, key_file)
    endpoint = parse_endpoint(to, lowest_port=1)
    require_protection(endpoint, has_key=secret is not None, insecure=insecure)
    protection = with_key(secret)
    model: LossModel = Uniform(loss=loss / 100) if burst == 1 else GilbertElliott(loss=loss / 100, mean_burst=burst)
    if network is not None:
        model = NetworkLosses(config=find_preset(network).config)
    losses = model.stream(np.random.default_rng(seed))
    file = None
    if source is not None:
        with reading(source):
            file = FileSource(source, now_ms, loop=repeat)
    stream = SenderConfig(
        rate_hz=48_000 if file is None else file.rate_hz,
        bitrate_bps=bitrate,
        in_band_fec=fec,
        expected_loss_percent=expected_loss_percent(expected_loss, fec=fec),
        dred=DredConfig(duration_ms=dred_ms) if dred_ms else None,
    )
    named = None if weights is None else load(weights)
    config = RtpSenderConfig(stream=stream, num_red_copies=red, mtu_bytes=mtu, unix_ms_at_zero=unix_ms_at_zero())
    controller = None
    if budget is not None:
        controller = RedundancyController(limits_of(stream, total_bps=budget, mtu_bytes=mtu, max_red_copies=red))
    sender = RtpSender(config, named, controller=controller)
    if stream.dred is not None:
        with progress("preparing"):
            compile_all(load() if named is None else named)
    how = "protected" if secret is not None else "in the clear"

    async def run(stop: asyncio.Event) -> SendingFigures:
        with ExitStack() as opened:
            speech: SpeechSource = file or opened.enter_context(MicrophoneSource(device))
            show = opened.enter_context(
                showing(
                    lambda figures, columns: sending_view(figures, f"dred send {endpoint}, {how}", columns=columns),
                    _line,
                    as_json=as_json,
                )
            )
            return await send_speech(
                sender,
                endpoint,
                speech,
                protection,
                now=now_ms,
                stop=stop,
                seconds=seconds,
                losses=losses,
                on_second=show,
            )

    figures, _ = run_until_stopped(run)
    print(json.dumps({"summary": figures.as_json()}) if as_json else _line(figures))


def _line(figures: "SendingFigures") -> str:
    heard = f"{figures.lost_percent:.1f} % lost there" if figures.lost_percent is not None else "nobody has reported"
    return (
        f"{figures.seconds:6.1f} s  {figures.num_packets} packets, {figures.num_dropped} dropped here, {heard}; "
        f"Opus {figures.main_bps / 1000:.1f}, DRED {figures.dred_bps / 1000:.1f}, RED {figures.red_bps / 1000:.1f} kb/s"
    )
