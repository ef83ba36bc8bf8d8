"""RTP endpoints without sockets or clocks: datagrams and time in, speech out; speech and time in, datagrams out.

```
 pcm -> RtpSender --datagrams--> (a socket, a network) --datagrams--> RtpReceiver -> samples, events
             ^------------------------ reports -------------------------'
```

Both ends speak RTP and RTCP on one port (RFC 5761), count instead of raising whatever arrives, and grow with nothing
that others send. Networks come in with the streams; `dred.RtpSender` and `dred.RtpReceiver` name them.
"""

from dred.session.config import RtpReceiverConfig, RtpSenderConfig
from dred.session.control import ReceiverReport, RedundancyControl
from dred.session.events import (
    DatagramsRefused,
    PlanApplied,
    ReceiverEvent,
    RedundancyLeftOut,
    Refusal,
    ReportHeard,
    SenderEvent,
    SourceEnded,
    SourceLocked,
)
from dred.session.rtp_receiver import RtpReceiver
from dred.session.rtp_sender import RtpSender
from dred.session.statistics import RtpReceiverStatistics, RtpSenderStatistics

__all__ = [
    "DatagramsRefused",
    "PlanApplied",
    "ReceiverEvent",
    "ReceiverReport",
    "RedundancyControl",
    "RedundancyLeftOut",
    "Refusal",
    "ReportHeard",
    "RtpReceiver",
    "RtpReceiverConfig",
    "RtpReceiverStatistics",
    "RtpSender",
    "RtpSenderConfig",
    "RtpSenderStatistics",
    "SenderEvent",
    "SourceEnded",
    "SourceLocked",
]
