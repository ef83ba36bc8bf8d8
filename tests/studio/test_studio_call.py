"""The browser's leg: what a broken offer comes to, and samples between two clocks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from dred.errors import RemoteDataError

aiortc = pytest.importorskip("aiortc", reason="aiortc is not installed")

from dred.studio import NetworkSettings, StudioConfig, StudioPipeline  # noqa: E402
from dred.studio.call import Call, Inbox  # noqa: E402
from dred.studio.loopback import use_only  # noqa: E402
from dred.weights import WeightSet  # noqa: E402


@pytest.fixture(scope="module")
def pipeline(weights_v12: WeightSet) -> StudioPipeline:
    return StudioPipeline(StudioConfig(schemes=("plc",)), NetworkSettings(), np.random.default_rng(1), weights_v12)


@asynccontextmanager
async def offering() -> AsyncIterator[str]:
    """An offer like a browser's."""
    peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio")
    peer.createDataChannel("studio")
    with use_only("127.0.0.1"):
        await peer.setLocalDescription(await peer.createOffer())
        yield peer.localDescription.sdp
    await peer.close()


@pytest.mark.reference
def test_an_offer_is_answered_with_the_loopback_address_alone(pipeline: StudioPipeline) -> None:
    async def answer() -> str:
        async with offering() as offer:
            call = Call(pipeline)
            try:
                return await call.answer(offer)
            finally:
                await call.close()

    lines = asyncio.run(answer()).splitlines()
    candidates = [line.split() for line in lines if line.startswith("a=candidate")]
    assert candidates
    assert {candidate[4] for candidate in candidates} == {"127.0.0.1"}
    assert "a=sendrecv" in lines


@pytest.mark.reference
def test_any_damage_to_an_offer_is_refused_or_does_not_matter(
    pipeline: StudioPipeline, rng: np.random.Generator
) -> None:
    async def damage_and_answer(whole: str) -> bool:
        lines = whole.split("\r\n")
        for _ in range(rng.integers(1, 3)):
            place = int(rng.integers(len(lines)))
            match rng.integers(4):
                case 0:
                    del lines[place]
                case 1:
                    lines[place] = lines[place][: rng.integers(len(lines[place]) + 1)]
                case 2:
                    lines.insert(place, lines[int(rng.integers(len(lines)))])
                case _:
                    letters = [str(rng.choice(list("abc=:/ 019"))) if rng.random() < 0.2 else c for c in lines[place]]
                    lines[place] = "".join(letters)
        call = Call(pipeline)
        try:
            await call.answer("\r\n".join(lines))
        except RemoteDataError:
            return False
        finally:
            await call.close()
        return True

    async def damage_many() -> list[bool]:
        async with offering() as offer:
            return [await damage_and_answer(offer) for _ in range(150)]

    outcomes = asyncio.run(damage_many())
    assert 10 < sum(outcomes) < 140


def test_samples_come_out_in_order_and_silence_where_there_are_none() -> None:
    inbox = Inbox()
    assert not inbox.take().any()
    inbox.put(np.arange(1, 1441, dtype=np.float32))
    assert np.array_equal(inbox.take(), np.arange(1, 961, dtype=np.float32))
    assert not inbox.take().any(), "less than a block waits for the rest"
    inbox.put(np.arange(1441, 1921, dtype=np.float32))
    assert np.array_equal(inbox.take(), np.arange(961, 1921, dtype=np.float32))


def test_a_browser_that_runs_ahead_adds_no_delay_for_long() -> None:
    inbox = Inbox()
    for number in range(100):
        inbox.put(np.full(961, number, np.float32))
        inbox.put(np.full(961, number, np.float32))
        newest = inbox.take()[-1]
        assert newest >= number - 5
