"""The only home of rates, frame lengths and the conversions between them.

Five clocks meet in DRED. All are whole multiples of one another, so every conversion here is exact or says how it
rounds.

| unit          | length            | where                                             |
|---------------|-------------------|---------------------------------------------------|
| RTP tick      | 1/48000 s         | RTP timestamps of Opus, whatever the audio rate    |
| sample        | 1/16000 s         | the networks' audio                               |
| DRED tick     | 2.5 ms            | the DRED offset                                   |
| feature frame | 10 ms             | acoustic features, one vocoder call               |
| double frame  | 20 ms             | one step of the RDO-VAE encoder                   |
| chunk         | 40 ms             | one transmitted latent, one RDO-VAE decoder step  |

Source: RFC 7587 section 4.1 (clock), draft-ietf-mlcodec-opus-dred (the rest).
"""

SAMPLE_RATE_HZ = 16_000
RTP_CLOCK_HZ = 48_000
OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)

FEATURE_FRAME_MS = 10
DOUBLE_FRAME_MS = 20
CHUNK_MS = 40

FEATURE_FRAME_SAMPLES = 160
DOUBLE_FRAME_SAMPLES = 320
TICK_SAMPLES = 40
RTP_TICKS_PER_MS = 48
RTP_TICKS_PER_DRED_TICK = 120

TICKS_PER_FEATURE_FRAME = 4
TICKS_PER_DOUBLE_FRAME = 8
TICKS_PER_CHUNK = 16
FEATURE_FRAMES_PER_CHUNK = 4


def ticks_to_ms(ticks: int) -> float:
    """Convert DRED ticks (2.5 ms) to milliseconds."""
    return ticks * 2.5


def ticks_to_rtp(ticks: int) -> int:
    """Convert DRED ticks (2.5 ms) to RTP ticks."""
    return ticks * RTP_TICKS_PER_DRED_TICK


def ms_to_samples(ms: float, rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """Convert milliseconds to samples at a rate, rounding to the nearest."""
    return round(ms * rate_hz / 1000)


def rtp_to_samples(rtp_ticks: int, rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """Convert RTP ticks to samples at a rate that divides 48 kHz; rounds towards minus infinity."""
    return rtp_ticks * rate_hz // RTP_CLOCK_HZ


def samples_to_rtp(samples: int, rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """Convert samples at a rate that divides 48 kHz to RTP ticks; rounds towards minus infinity."""
    return samples * RTP_CLOCK_HZ // rate_hz


def rtp_to_ms(rtp_ticks: int) -> float:
    """Convert RTP ticks to milliseconds."""
    return rtp_ticks / RTP_TICKS_PER_MS


def ms_to_rtp(ms: float) -> int:
    """Convert milliseconds to RTP ticks, rounding to the nearest."""
    return round(ms * RTP_TICKS_PER_MS)
