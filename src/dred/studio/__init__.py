"""A conversation with oneself over a bad network, in a browser on this machine.

```
 browser --WebRTC--> Call --20 ms--> StudioPipeline --20 ms of the chosen scheme--> Call --WebRTC--> browser
                                          '-- facts: losses, sources, delays, bytes, spectra --> data channel
```

`StudioPipeline` knows no browser, socket or clock: blocks, times and chance go in. `serve_studio` (in `serving`) is the
page and the call around it.
"""

from dred.studio.config import StudioConfig
from dred.studio.network import LiveNetwork, NetworkSettings
from dred.studio.pipeline import SchemeStep, StudioPipeline, StudioStep

__all__ = ["LiveNetwork", "NetworkSettings", "SchemeStep", "StudioConfig", "StudioPipeline", "StudioStep"]
