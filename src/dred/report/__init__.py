"""The results of a simulation as files: speech, numbers, and one page to hear and see them.

Simulation -> write_results -> <scheme>.wav, summary.json, report.html
                                                            '- render_page: players, spectrograms, strips

`report.evaluation` makes the page of many clips and networks, of the same players, pictures and strips.
"""

from dred.report.folder import staged_folder, write_results
from dred.report.page import render_page

__all__ = ["render_page", "staged_folder", "write_results"]
