"""Hardly any effort: every part of a benchmark once."""

from dred.benchmarking.run import Effort

TINY = Effort(speech_s=2, num_rounds=1, num_crowd_rounds=1, crowds=(1, 3), num_passes=1, num_gaps=1, num_starts=1)
