"""Redundancy that follows the network: packets and reports in, plans out.

    SentPacket --> rates --.
                            +--> decision --> RedundancyPlan --> SendStream.apply
    reports ----> losses --'

`losses` is what happens, `rates` what settings cost, `opinion` what losses and settings do to speech, `decision` the
choice.
"""

from dred.sender.controller.config import LEAST_MAIN_BPS, TOLERANCE, ControllerConfig, limits_of
from dred.sender.controller.controller import RedundancyController
from dred.sender.controller.decision import Knowledge, choose_plan
from dred.sender.controller.losses import LossPicture
from dred.sender.controller.rates import RateModel
from dred.sender.controller.reports import ReceiverReport

__all__ = [
    "LEAST_MAIN_BPS",
    "TOLERANCE",
    "ControllerConfig",
    "Knowledge",
    "LossPicture",
    "RateModel",
    "ReceiverReport",
    "RedundancyController",
    "choose_plan",
    "limits_of",
]
