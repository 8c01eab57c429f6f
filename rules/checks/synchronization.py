"""What an instance says it is synchronized with (PS3.3 C.7.4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.header import Header
from rules.model import Example, Problem, Severity
from rules.registry import rule


def _channel(group: int, channel: int) -> Example:
    waveforms: list[object] = [{"ChannelDefinitionSequence": [{}, {}]}]
    return {"SynchronizationChannel": [group, channel], "WaveformSequence": waveforms}


@rule(
    "synchronization-channel",
    section="C.7.4.2.1.3",
    severity=Severity.WARNING,
    only_with=["SynchronizationChannel"],
    good=[_channel(1, 2), {"SynchronizationChannel": [1, 9]}],
    bad=[_channel(2, 1), _channel(1, 3), _channel(0, 1)],
)
def synchronization_channel(header: Header) -> Iterator[Problem]:
    """Synchronization Channel names a waveform channel that the instance does not have.

    It is the number of an Item of Waveform Sequence and of a channel in it, both from 1; whoever aligns other data by
    that channel finds none.
    """
    numbers, waveforms = header.integers("SynchronizationChannel"), header.items("WaveformSequence")
    if len(numbers) != 2 or not waveforms:
        return
    group, channel = numbers
    if not 1 <= group <= len(waveforms):
        yield Problem("SynchronizationChannel", f"names Item {group} of {len(waveforms)} of WaveformSequence")
        return
    channels = len(waveforms[group - 1].items("ChannelDefinitionSequence"))
    if channels and not 1 <= channel <= channels:
        yield Problem("SynchronizationChannel", f"names channel {channel} of {channels} in that Item")


@rule(
    "ntp-source-address",
    section="C.7.4.2",
    severity=Severity.ERROR,
    only_with=["NTPSourceAddress"],
    good=[{"NTPSourceAddress": "192.168.1.1"}, {"NTPSourceAddress": "12:34:56:78:9a:bc:de:f0"}],
    bad=[{"NTPSourceAddress": "ntp.example.org"}, {"NTPSourceAddress": "192.168.1"}],
)
def ntp_source_address(header: Header) -> Iterator[Problem]:
    """NTP Source Address is no IP address.

    It is one in dotted decimal, or in hexadecimal with colons: names of hosts are not for this place.
    """
    text = header.text("NTPSourceAddress") if header.has("NTPSourceAddress") else None
    if text is None:
        return
    from ipaddress import ip_address  # few instances have one, and the module is not small

    try:
        ip_address(text.strip())
    except ValueError:
        yield Problem("NTPSourceAddress", "is no IP address")
