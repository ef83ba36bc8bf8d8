"""`dred inspect`: what each packet of a file holds."""

from pathlib import Path
from typing import Annotated

import typer

from dred.cli import options


def inspect(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Packets: .pcap, .pcapng or .opus.")],
    latents: Annotated[
        bool, typer.Option("--latents", help="Add the dequantised state and latents; JSON always has them.")
    ] = False,
    features: Annotated[
        bool, typer.Option("--features", help="Decode the redundancy: 4 rows of 20 features per latent, newest first.")
    ] = False,
    weights: options.Weights = None,
    as_json: options.Json = False,
) -> None:
    """Show what each packet holds: Opus, LBRR, RED copies and deep redundancy.

    \b
    Examples:
    dred inspect call.pcap
    dred inspect call.opus --latents
    dred inspect call.pcap --json --features | head -1
    """
    import json
    import sys

    from dred.cli.files import reading
    from dred.cli.packet_view import TABLE_HEADING, PayloadReaders, table_lines, view_packet
    from dred.rtp import read_packets
    from dred.weights import load

    with reading(source):
        stream = read_packets(source)
    readers = PayloadReaders(sets=None if weights is None else [load(weights)])
    if not as_json:
        print(TABLE_HEADING)
    for index, packet in enumerate(stream.packets):
        view = view_packet(index, packet, readers, with_features=features)
        for line in [json.dumps(view)] if as_json else table_lines(view, with_latents=latents):
            print(line)
    if readers.unread:
        versions = " and ".join(sorted({version.name for version in readers.unread}))
        print(
            f"dred: only headers of redundancy are shown: no weights of version {versions} are at hand "
            "(run `dred weights install`)",
            file=sys.stderr,
        )
