"""Speech over UDP in real time: the sockets, clocks, keys and sound devices around `dred.session`.

```
 file, microphone -> RtpSender -> Protection -> UDP -> Protection -> RtpReceiver -> file, speakers
                         ^------------ reports, protected as well ------'
```

`send_speech` and `receive_speech` run until they are stopped and tell a `SendingFigures` or `ReceivingFigures` once a
second. Decisions are made below, in virtual time; here is only what needs the real one.
"""

from dred.live.addresses import Endpoint, parse_endpoint, require_protection
from dred.live.figures import ReceivingFigures, SendingFigures
from dred.live.keys import KEY_VARIABLE, new_key, parse_key, read_key_file
from dred.live.protection import Protection, Srtp, Unprotected
from dred.live.receiving import receive_speech
from dred.live.sending import send_speech
from dred.live.sinks import SpeechSink, WavSink
from dred.live.sources import FileSource, SpeechSource

__all__ = [
    "KEY_VARIABLE",
    "Endpoint",
    "FileSource",
    "Protection",
    "ReceivingFigures",
    "SendingFigures",
    "SpeechSink",
    "SpeechSource",
    "Srtp",
    "Unprotected",
    "WavSink",
    "new_key",
    "parse_endpoint",
    "parse_key",
    "read_key_file",
    "receive_speech",
    "require_protection",
    "send_speech",
]
