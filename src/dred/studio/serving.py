"""The studio on an address of this machine, until it is interrupted."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import numpy as np

from dred.channel import PRESETS, GilbertElliott, NetworkPreset, Uniform, find_preset
from dred.data import bundled_clip
from dred.local_server import own_names, require_packages, serve_app
from dred.report.environment import page_environment
from dred.report.sources import LEGEND
from dred.report.spectrogram import palette
from dred.studio.config import BLOCK_MS, BLOCK_SAMPLES, StudioConfig
from dred.studio.network import MAX_BURST, MAX_JITTER_MS, MAX_LOSS_PERCENT, NetworkSettings
from dred.studio.pipeline import StudioPipeline
from dred.studio.server import build_app
from dred.studio.spectrum import NUM_ROWS, TOP_HZ

__all__ = ["serve_studio", "studio_pages", "warm_up"]

_SCRIPTS = ("strips.js", "sound.js", "page.js")
_WARM_STEPS = 100
_WARM_SEED = 1


def serve_studio(
    *,
    host: str,
    port: int,
    seed: int | None = None,
    network: str | None = None,
    config: StudioConfig | None = None,
    on_start: Callable[[str], None],
) -> None:
    """Serve the studio until the process is interrupted.

    Args:
        host: Address to listen on.
        port: 0 to 65535; 0 for any that is free.
        seed: Decides about losses; by default each call has others.
        network: Name of the network that is chosen at first; by default the sliders'.
        config: What is compared.
        on_start: Called with the address once browsers can connect.

    Raises:
        UsageError: The address cannot be used, there is no such network, or a package is missing.
        ModelError: There are no weights.
        KeyboardInterrupt: The process was interrupted.
    """
    require_packages("the studio", ("aiortc", "starlette", "uvicorn"), "studio")
    from dred.studio.call import Call
    from dred.studio.loopback import use_only

    config = config or StudioConfig()
    pages = studio_pages(config, network)
    warm_up(config)

    def make_call() -> Call:
        return Call(StudioPipeline(config, NetworkSettings(), np.random.default_rng(seed)))

    with use_only(host):
        app = build_app(pages, make_call, own_names(host))
        serve_app(app, host=host, port=port, on_start=on_start)


def studio_pages(config: StudioConfig, network: str | None = None) -> Mapping[str, tuple[bytes, str]]:
    """Write the page, and find what belongs to it: by path, content and media type.

    Raises:
        UsageError: There is no such network.
    """
    if network is not None:
        find_preset(network)
    folder = files("dred.studio") / "pages"
    start = NetworkSettings()
    settings: dict[str, Any] = {
        "blockMs": BLOCK_MS,
        "rows": NUM_ROWS,
        "topHz": TOP_HZ,
        "palette": palette().tolist(),
        "networks": {name: _shown_network(preset) for name, preset in PRESETS.items()},
        "labels": {source.value: label for source, (label, _) in LEGEND.items()},
    }
    page = (
        page_environment()
        .from_string((folder / "index.html.j2").read_text())
        .render(
            schemes=config.chosen_schemes(),
            network=network,
            chosen=config.chosen_schemes()[-1].name,
            legend=LEGEND,
            packet_ms=BLOCK_MS,
            settings=settings,
            scripts=_SCRIPTS,
            sliders=(
                ("loss_percent", "Loss", "%", 0, MAX_LOSS_PERCENT, 1, start.loss_percent),
                ("mean_burst", "Mean burst", "packets", 1, MAX_BURST, 0.5, start.mean_burst),
                ("jitter_ms", "Jitter", "ms", 0, MAX_JITTER_MS, 5, start.jitter_ms),
            ),
        )
    )
    return {
        "/": (page.encode(), "text/html"),
        "/colours.css": ((files("dred.report") / "colours.css").read_bytes(), "text/css"),
        "/page.css": ((folder / "page.css").read_bytes(), "text/css"),
        "/clip": (bundled_clip().read_bytes(), "audio/flac"),
        **{f"/{name}": ((folder / name).read_bytes(), "text/javascript") for name in _SCRIPTS},
    }


def _shown_network(preset: NetworkPreset) -> dict[str, Any]:
    """Say where the sliders stand for a network, as far as they tell it."""
    loss = preset.config.loss
    assert isinstance(loss, (Uniform, GilbertElliott)), "presets have no other model"
    return {
        "title": preset.title,
        "loss_percent": 100 * loss.loss,
        "mean_burst": loss.mean_burst if isinstance(loss, GilbertElliott) else 1.0,
        "jitter_ms": preset.config.jitter_ms,
    }


def warm_up(config: StudioConfig) -> None:
    """Have everything compiled and loaded that a call needs, so that the first one does not stumble."""
    pipeline = StudioPipeline(
        config, NetworkSettings(loss_percent=30.0, jitter_ms=40.0), np.random.default_rng(_WARM_SEED)
    )
    noise = np.random.default_rng(_WARM_SEED).normal(0, 0.05, (_WARM_STEPS, BLOCK_SAMPLES)).astype(np.float32)
    for number, block in enumerate(noise):
        pipeline.step(block, float(number * BLOCK_MS))
