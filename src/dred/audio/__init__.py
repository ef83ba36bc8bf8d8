"""PCM in and out: audio files, resampling, blocks of any size into frames of one size.

```
 wav, flac, ogg --read_audio--> Audio --to_mono, resample--> BlockBuffer --> frames --> the encoder
 16-bit wav <-----write_wav---- samples
```
"""

from dred.audio.files import Audio, read_audio, write_wav
from dred.audio.framing import BlockBuffer, as_block, float_to_int16, int16_to_float, to_mono
from dred.audio.resampling import StreamingResampler, resample

__all__ = [
    "Audio",
    "BlockBuffer",
    "StreamingResampler",
    "as_block",
    "float_to_int16",
    "int16_to_float",
    "read_audio",
    "resample",
    "to_mono",
    "write_wav",
]
