"""SDP: how two ends agree on Opus, RED and deep redundancy in one audio section.

```
 AudioSection --write_audio_section--> "m=audio 9 UDP/TLS/RTP/SAVPF 63 111 ..." --parse_audio_section--> AudioSection
```

`OpusParameters` are the format parameters of `opus/48000/2`, those of deep redundancy among them; `RedParameters` are
those of `red/48000/2`. What is not known is kept, so that a section that was parsed can be written again.
"""

from dred.rtp.sdp.audio_section import AudioSection, Codec, parse_audio_section, write_audio_section
from dred.rtp.sdp.opus_parameters import OpusParameters, parse_opus_parameters, write_opus_parameters
from dred.rtp.sdp.red_parameters import RedParameters, parse_red_parameters, write_red_parameters

__all__ = [
    "AudioSection",
    "Codec",
    "OpusParameters",
    "RedParameters",
    "parse_audio_section",
    "parse_opus_parameters",
    "parse_red_parameters",
    "write_audio_section",
    "write_opus_parameters",
    "write_red_parameters",
]
