"""`dred studio`: hear yourself over a bad network, in a browser on this machine."""

from typing import Annotated

import typer

from dred.cli import options

__all__ = ["studio"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def studio(
    *,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on. 0.0.0.0 lets in everyone who can reach this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 for any that is free.", min=0, max=65535)] = 8420,
    network: options.Network = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="The same losses in every call. Default: others each time.")
    ] = None,
) -> None:
    """Serve a page to talk over a bad network and hear PLC, RED, LBRR and DRED, until Ctrl-C.

    \b
    Examples:
    dred studio
    dred studio --network train
    dred studio --port 9000 --seed 1
    """
    from dred.studio.serving import serve_studio

    def name_address(address: str) -> None:
        print(f"studio at {address} (Ctrl-C ends it)", flush=True)
        if host not in _LOOPBACK:
            print(
                "everyone who can reach this address can use it; browsers elsewhere have no microphone here", flush=True
            )

    print("preparing", flush=True)
    try:
        serve_studio(host=host, port=port, seed=seed, network=network, on_start=name_address)
    except KeyboardInterrupt:
        # Ctrl-C is how the studio ends.
        print("ended")
