"""The last look at a report before anybody sees it, in whatever format: nothing sensitive is quoted."""

from __future__ import annotations

from dataclasses import replace

from dsprep.folds.masking import with_args
from dsprep.model.report import Report
from dsprep.text.sensitive.showing import concealed, masked_piece, masked_text


def concealing(report: Report) -> Report:
    """`report`, in which the args of listed findings, the statistics and the messages of errors are masked.

    Findings about single rows come masked already, by all that their row says (see folds.masking); this is for the
    others, and for rows that are no conversations. Fixes stay as they are, since they are what is to be written; what
    shows one masks it (see `reports.finding_as_dict`).
    """
    for summary in report.summaries:
        tally = summary.tally
        tally.findings = [with_args(finding, masked_piece) for finding in tally.sorted()]
    report.stats = concealed(report.stats, masked_text)
    report.errors = [replace(error, message=masked_text(error.message)) for error in report.errors]
    return report
