"""What PS3.3 C.8.32.2 and C.7.6.1.1.5 say in sentences of the Parametric Map Image Module."""

from __future__ import annotations

from collections.abc import Iterator

from rules.conditions import Answer, lossy_compressed
from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule


@rule(
    "lossy-without-history",
    section="C.7.6.1.1.5",
    severity=Severity.WARNING,
    iods=["Parametric Map"],
    only_with=["LossyImageCompression"],
    good=[
        {"LossyImageCompression": "00"},
        {
            "LossyImageCompression": "01",
            "LossyImageCompressionRatio": ["12.5"],
            "LossyImageCompressionMethod": ["ISO_10918_1"],
        },
    ],
    bad=[
        {"LossyImageCompression": "01"},
        {"LossyImageCompression": "01", "LossyImageCompressionRatio": ["12.5"]},
        {"LossyImageCompression": "01", "LossyImageCompressionMethod": ["ISO_10918_1"]},
    ],
)
def lossy_without_history(header: Header) -> Iterator[Problem]:
    """Lossy Image Compression is 01, but the ratio or the method is absent.

    It may be inherited from source images that gave neither, so it is no error; but whoever measures in the map
    cannot tell how much was lost.
    """
    if header.text("LossyImageCompression") != "01" or lossy_compressed.ask(header) is Answer.YES:
        return
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if header.text(keyword) is None:
            yield Problem(keyword, "is absent though LossyImageCompression is 01")


@rule(
    "lossy-steps-differ",
    section="C.7.6.1.1.5",
    severity=Severity.WARNING,
    iods=["Parametric Map"],
    only_with=["LossyImageCompressionRatio"],
    good=[{"LossyImageCompressionRatio": ["2", "3"], "LossyImageCompressionMethod": ["ISO_10918_1", "ISO_15444_1"]}],
    bad=[{"LossyImageCompressionRatio": ["2", "3"], "LossyImageCompressionMethod": ["ISO_10918_1"]}],
)
def lossy_steps_differ(header: Header) -> Iterator[Problem]:
    """There are not as many compression ratios as methods.

    Each step of compression has a ratio and a method, in the same order; with unequal numbers they cannot be paired.
    """
    ratios = len(header.texts("LossyImageCompressionRatio"))
    methods = len(header.texts("LossyImageCompressionMethod"))
    if ratios and methods and ratios != methods:
        yield Problem("LossyImageCompressionMethod", f"has {methods} values for {ratios} of LossyImageCompressionRatio")
