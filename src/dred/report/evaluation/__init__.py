"""The report of an evaluation: one page to read, see and hear, and its figures as files.

Evaluation -> Comparison -> sentences, tables, panels -> page
                  '- chosen clips -> stages: players, spectrograms, strips -'
"""

from dred.report.evaluation.page import render_evaluation, write_evaluation_report, write_figures

__all__ = ["render_evaluation", "write_evaluation_report", "write_figures"]
