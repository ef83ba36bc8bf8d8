"""RTCP: what both ends of an RTP stream tell each other about it.

```
 packets --write_rtcp--> one datagram --parse_rtcp--> packets
```

| packet | tells |
|---|---|
| `SenderReport` | how much was sent, and what RTP time a wall clock shows |
| `ReceiverReport` | loss, jitter and delay of the sources that are heard |
| `SourceDescription` | the name behind an SSRC |
| `Goodbye` | that a source has ended |
| `ExtendedReport` | exactly which packets were lost, a summary, and time for round trips seen from the receiver |

Other types, feedback (RTPFB, PSFB) among them, are passed over.
"""

from dred.rtp.rtcp.compound import RtcpPacket, parse_rtcp, write_rtcp
from dred.rtp.rtcp.description import Described, SourceDescription
from dred.rtp.rtcp.extended import ExtendedReport
from dred.rtp.rtcp.goodbye import Goodbye
from dred.rtp.rtcp.loss_rle import LossRle
from dred.rtp.rtcp.ntp import compact_ntp, compact_ntp_to_ms, ms_to_compact_ntp, unix_ms_to_ntp
from dred.rtp.rtcp.reference_time import DelaySinceReference, ReceiverReferenceTime, ReferenceDelays
from dred.rtp.rtcp.report import ReceiverReport, ReportBlock, SenderReport
from dred.rtp.rtcp.statistics_summary import JitterSummary, StatisticsSummary

__all__ = [
    "DelaySinceReference",
    "Described",
    "ExtendedReport",
    "Goodbye",
    "JitterSummary",
    "LossRle",
    "ReceiverReferenceTime",
    "ReceiverReport",
    "ReferenceDelays",
    "ReportBlock",
    "RtcpPacket",
    "SenderReport",
    "SourceDescription",
    "StatisticsSummary",
    "compact_ntp",
    "compact_ntp_to_ms",
    "ms_to_compact_ntp",
    "parse_rtcp",
    "unix_ms_to_ntp",
    "write_rtcp",
]
