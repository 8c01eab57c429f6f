"""Waveforms: channels, samples and rates within what the IOD allows, and what describes them (PS3.3 A.34, C.10.9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.encode import Element
from rules.header import Header
from rules.iods import iod_in_any_edition, iods
from rules.model import Example, Problem, Severity
from rules.registry import rule
from rules.wording import listed, shown


@dataclass(frozen=True, slots=True)
class Limits:
    """What the Content Constraints of an IOD allow a multiplex group: channels, samples a channel, Hertz."""

    section: str
    channels: tuple[int, ...] = ()
    frequency: tuple[float, float] | None = None
    samples: int | None = None
    all_channels: int | None = None
    """Of all multiplex groups together."""


LIMITS = {
    "Basic Voice Audio Waveform": Limits("A.34.2.4", (1, 2), (8000, 8000)),
    "12-Lead ECG": Limits("A.34.3.4", tuple(range(1, 14)), (200, 1000), samples=16384, all_channels=13),
    "General ECG": Limits("A.34.4.4", tuple(range(1, 25)), (200, 1000)),
    "Ambulatory ECG": Limits("A.34.5.4", tuple(range(1, 13)), (50, 1000)),
    "Hemodynamic Waveform": Limits("A.34.6.4", tuple(range(1, 9)), (0, 400)),
    "Basic Cardiac Electrophysiology Waveform": Limits("A.34.7.4", (), (0, 20000)),
    "Arterial Pulse Waveform": Limits("A.34.8.4", (1,), (0, 600)),
    "Respiratory Waveform": Limits("A.34.9.4", (1,), (0, 100)),
    "General Audio Waveform": Limits("A.34.10.4", (1, 2), (0, 44100)),
    "Routine Scalp Electroencephalogram": Limits("A.34.12.4", tuple(range(1, 65))),
    "Electromyogram": Limits("A.34.13.4", tuple(range(1, 65))),
    "Electrooculogram": Limits("A.34.14.4", (2, 4)),
    "Sleep Electroencephalogram": Limits("A.34.15.4", tuple(range(1, 65))),
    "General 32-bit ECG": Limits("A.34.18.4", tuple(range(1, 25))),
}
"""By IOD; those of waveforms that set none are left out."""
BITS = {
    **dict.fromkeys(("SB", "UB", "MB", "AB"), 8),
    **dict.fromkeys(("SS", "US"), 16),
    **dict.fromkeys(("SL", "UL"), 32),
    **dict.fromkeys(("SV", "UV"), 64),
}
"""Waveform Bits Allocated by Waveform Sample Interpretation (PS3.3 Table C.10-10)."""
SEQUENCE = "WaveformSequence"


def _example(iod: str = "12-Lead ECG", groups: int = 1, **changes: object) -> Example:
    group = {
        "NumberOfWaveformChannels": 2,
        "NumberOfWaveformSamples": 3,
        "SamplingFrequency": "500",
        "ChannelDefinitionSequence": [{}, {}],
        "WaveformBitsAllocated": 16,
        "WaveformSampleInterpretation": "SS",
        "WaveformData": Element("OW", bytes(12)),
    }
    return {"SOPClassUID": iods()[iod].sop_class_uids[0], SEQUENCE: [group | changes] * groups}


@rule(
    "waveform-limits",
    section="A.34",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    iods=list(LIMITS),
    good=[
        _example(),
        _example("Electrooculogram"),
        _example("Respiratory Waveform", NumberOfWaveformChannels=1, SamplingFrequency="50"),
    ],
    bad=[
        _example(SamplingFrequency="100"),
        _example(NumberOfWaveformSamples=16385),
        _example(groups=2, NumberOfWaveformChannels=7),
        _example("Respiratory Waveform"),
        _example("Electrooculogram", NumberOfWaveformChannels=3),
        _example("Basic Voice Audio Waveform", SamplingFrequency="8001"),
    ],
)
def waveform_limits(header: Header) -> Iterator[Problem]:
    """A multiplex group has more channels, more samples or another sampling frequency than the IOD allows.

    Viewers of an ECG lay it out for what the IOD allows; waveforms beyond that belong in another IOD.
    """
    limits = LIMITS.get(iod_in_any_edition(header))
    if limits is None:
        return
    total = 0
    for group in header.items(SEQUENCE):
        channels, samples = group.integer("NumberOfWaveformChannels"), group.integer("NumberOfWaveformSamples")
        total += channels or 0
        if limits.channels and channels is not None and channels not in limits.channels:
            wanted = listed([str(each) for each in limits.channels]) if len(limits.channels) < 4 else _range(limits)
            path = group.path_of("NumberOfWaveformChannels")
            yield Problem(path, f"is {channels}, wanted {wanted}", section=limits.section)
        if limits.samples is not None and samples is not None and samples > limits.samples:
            path = group.path_of("NumberOfWaveformSamples")
            yield Problem(path, f"is {samples}, at most {limits.samples}", section=limits.section)
        frequency = group.number("SamplingFrequency")
        if limits.frequency and frequency is not None:
            low, high = limits.frequency
            if not low <= frequency <= high:
                wanted = f"{low:g}" if low == high else f"{low:g} to {high:g}"
                path = group.path_of("SamplingFrequency")
                yield Problem(path, f"is {frequency:g} Hz, wanted {wanted}", section=limits.section)
    if limits.all_channels is not None and total > limits.all_channels:
        told = f"has {total} channels in all its Items, at most {limits.all_channels}"
        yield Problem(SEQUENCE, told, section=limits.section)


def _range(limits: Limits) -> str:
    return f"{limits.channels[0]} to {limits.channels[-1]}"


@rule(
    "waveform-channel-count",
    section="C.10.9",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    good=[_example()],
    bad=[_example(ChannelDefinitionSequence=[{}])],
)
def waveform_channel_count(header: Header) -> Iterator[Problem]:
    """The Channel Definition Sequence has not one Item for each channel.

    The samples of all channels are interleaved: a reader that counts channels by the Items takes every sample for
    another's.
    """
    for group in header.items(SEQUENCE):
        channels, items = group.integer("NumberOfWaveformChannels"), len(group.items("ChannelDefinitionSequence"))
        if channels is not None and items and items != channels:
            path = group.path_of("ChannelDefinitionSequence")
            yield Problem(path, f"has {items} Item{'s' * (items != 1)}, NumberOfWaveformChannels is {channels}")


@rule(
    "waveform-bits",
    section="C.10.9.1.5",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    good=[_example(), _example("General ECG", WaveformSampleInterpretation="XX")],
    bad=[
        _example(WaveformBitsAllocated=8),
        _example("Ambulatory ECG", WaveformSampleInterpretation="SB"),
        _example(WaveformBitsAllocated=12),
    ],
)
def waveform_bits(header: Header) -> Iterator[Problem]:
    """Waveform Bits Allocated is another than samples of that interpretation have, or no multiple of 8.

    Whichever of the two a reader goes by, it cuts the data into the wrong samples.
    """
    for group in header.items(SEQUENCE):
        bits, interpretation = group.integer("WaveformBitsAllocated"), group.text("WaveformSampleInterpretation") or ""
        path = group.path_of("WaveformBitsAllocated")
        if bits is not None and bits % 8:
            yield Problem(path, f"is {bits}, wanted a multiple of 8")
        elif bits is not None and BITS.get(interpretation, bits) != bits:
            yield Problem(path, f"is {bits}, {shown(interpretation)} has {BITS[interpretation]}")


@rule(
    "waveform-data-length",
    section="C.10.9.1.7",
    severity=Severity.ERROR,
    only_with=[SEQUENCE],
    good=[
        _example(),
        _example(
            "Ambulatory ECG", WaveformBitsAllocated=8, NumberOfWaveformChannels=1, WaveformData=Element("OB", bytes(4))
        ),
    ],
    bad=[_example(WaveformData=Element("OW", bytes(10))), _example(NumberOfWaveformSamples=4)],
)
def waveform_data_length(header: Header) -> Iterator[Problem]:
    """Waveform Data has fewer or more bytes than its channels, samples and bits make.

    A reader runs past the end, or leaves samples out. A byte of padding is allowed for where the number is odd.
    """
    for group in header.items(SEQUENCE):
        length = group.length("WaveformData")
        counts = [group.integer(f"NumberOfWaveform{each}") for each in ("Channels", "Samples")]
        bits = group.integer("WaveformBitsAllocated")
        channels, samples = counts
        if not length or channels is None or samples is None or bits is None or bits % 8:
            continue
        wanted = channels * samples * bits // 8
        if length != wanted + wanted % 2:
            yield Problem(group.path_of("WaveformData"), f"has {length} bytes, wanted {wanted}")


POSITIONS = frozenset((0, 1, 2, 3, 4, 255))
"""What a sample of the patient's position stands for (PS3.3 A.34.17.4.6)."""
_CHANNELS = {"130410": 1, "130411": 2, "130412": 2}
"""How many channels a group has that encodes a position, a rotation or an elevation, by the code of the source."""


def _body(code: str, *samples: int, channels: int = 1) -> Example:
    source = {"CodeValue": code, "CodingSchemeDesignator": "DCM", "CodeMeaning": "Patient position"}
    return _example(
        "Body Position Waveform",
        NumberOfWaveformChannels=channels,
        NumberOfWaveformSamples=len(samples) // channels,
        ChannelDefinitionSequence=[{"ChannelSourceSequence": [source]}] * channels,
        WaveformBitsAllocated=8,
        WaveformSampleInterpretation="UB",
        WaveformData=Element("OB", bytes(samples)),
    )


@rule(
    "body-position-samples",
    section="A.34.17.4",
    severity=Severity.ERROR,
    iods=["Body Position Waveform"],
    only_with=[SEQUENCE],
    good=[_body("130410", 0, 1, 255, 4), _body("130411", 90, 0, channels=2), _body("130499", 77, 0)],
    bad=[_body("130410", 0, 7), _body("130410", 0, 1, channels=2), _body("130412", 90, 0)],
)
def body_position_samples(header: Header) -> Iterator[Problem]:
    """A position of the patient is none of those defined, or has not the channels that it is encoded in.

    One channel counts positions from 0, 255 where it is not known; rotation and elevation are a pair of channels. A
    reader that finds another number cannot tell how the patient lay.
    """
    for group in header.items(SEQUENCE):
        codes = {
            code.text("CodeValue")
            for channel in group.items("ChannelDefinitionSequence")
            for code in channel.items("ChannelSourceSequence")
            if code.text("CodingSchemeDesignator") == "DCM"
        }
        wanted = {count for code, count in _CHANNELS.items() if code in codes}
        channels = group.integer("NumberOfWaveformChannels")
        if channels is not None and wanted and channels not in wanted:
            path = group.path_of("NumberOfWaveformChannels")
            yield Problem(path, f"is {channels}, wanted {max(wanted)} for what the channels encode")
        elif wanted == {1} and group.integer("WaveformBitsAllocated") == 8:
            samples = (group.raw("WaveformData") or b"")[: group.integer("NumberOfWaveformSamples")]
            strange = sorted(set(samples) - POSITIONS)
            if strange:
                yield Problem(group.path_of("WaveformData"), f"has {strange[0]}, which is no position")
