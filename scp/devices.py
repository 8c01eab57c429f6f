"""Who may send: the devices of the configuration, held against what a sender shows before any instance. Pure.

A device binds what it names together. Who calls itself by a device's AE Title, or shows its token, has to come from
its address, call what it may call and hold its certificate; what comes under another name is an unknown sender.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scp.admission import BY_USER, CALLED_AE_NOT_RECOGNIZED, CALLING_AE_NOT_RECOGNIZED, PERMANENT, Refusal
from scp.policy import Matcher, identity_matchers, is_http_door, uids_of
from scp.sender import Sender
from scp.settings import fingerprint

if TYPE_CHECKING:
    from scp.settings import Device, Settings


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a peer has proven to be: the subject, its parts as RFC 4514 writes them, and SHA-256 of the certificate."""

    subject: str
    parts: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """The sender may send."""

    device: str | None
    """What it is known as; None where it is unknown, or where its equipment has to tell."""
    sop_classes: frozenset[str] | None
    """UIDs of what it may send; None: whatever the node takes."""

    def may_send(self, sop_class_uid: str) -> bool:
        """Whether instances of this SOP Class are taken from it."""
        return self.sop_classes is None or sop_class_uid in self.sop_classes


@dataclass(frozen=True, slots=True)
class _Bound:
    """A device, as far as it is told before any instance."""

    name: str
    title: Matcher | None
    token: Matcher | None
    others: tuple[Matcher, ...]
    certificates: tuple[str, ...]
    sop_classes: frozenset[str] | None
    is_equipment: bool
    """Whether manufacturer or model have to match too, once an instance is there."""

    def claimed_by(self, sender: Sender) -> bool:
        """Whether the sender calls itself by the device's name."""
        name = self.token if is_http_door(sender.door) else self.title
        return name is not None and name.holds(sender)

    def failing(self, sender: Sender, certificate: Certificate | None) -> Iterator[str]:
        """What of the device the sender does not match, by its key."""
        for each in (self.title, self.token, *self.others):
            if each is not None and not each.holds(sender):
                yield each.words.partition(" ")[0]
        if self.certificates and not is_http_door(sender.door) and not shows(certificate, self.certificates):
            yield "certificate"


@dataclass(frozen=True, slots=True)
class Known:
    """The devices of a configuration, and whether others may send at all."""

    devices: tuple[_Bound, ...]
    accepts_unknown: bool

    @classmethod
    def of(cls, settings: Settings) -> Known:
        """Those of the settings. A device that is told by its equipment alone is unknown until it has sent."""
        told = (each for each in settings.device if each.ae_titles or each.addresses or each.tokens)
        return cls(tuple(map(_bound, told)), settings.dimse.unknown_senders == "accept")

    def admit(self, sender: Sender, certificate: Certificate | None = None) -> Allowed | Refusal:
        """Whether the sender may send, and what; a Refusal says why not, in words for the log and as PS3.8 9.3.4 does.

        Where several devices match, as those that only their equipment tells apart, what any of them may send goes.
        """
        claimed = [each for each in self.devices if each.claimed_by(sender)]
        judged = [(each, tuple(each.failing(sender, certificate))) for each in claimed or self.devices]
        matching = [each for each, failing in judged if not failing]
        if matching:
            lists = [each.sop_classes for each in matching if each.sop_classes is not None]
            every = len(lists) < len(matching)
            sure = next((each.name for each in matching if not each.is_equipment), None)
            return Allowed(sure, None if every else frozenset().union(*lists))
        if not claimed:
            return Allowed(None, None) if self.accepts_unknown else _refused("is no known device")
        device, failing = min(judged, key=lambda each: len(each[1]))
        said = " and ".join(_WRONG.get(each, each).format(sender=sender, shown=_shown(certificate)) for each in failing)
        return _refused(f"is not {device.name!r}: {said}", called=failing == ("called_ae_titles",))


_WRONG = {
    "addresses": "it comes from {sender.address}",
    "called_ae_titles": "it calls {sender.called_ae}",
    "certificate": "it {shown}",
    "ae_titles": "it calls itself {sender.calling_ae}",
    "tokens": "it shows the token {sender.token}",
}


def _shown(certificate: Certificate | None) -> str:
    return "shows no certificate" if certificate is None else f"shows the certificate of {certificate.subject}"


def _refused(cause: str, *, called: bool = False) -> Refusal:
    return Refusal(PERMANENT, BY_USER, CALLED_AE_NOT_RECOGNIZED if called else CALLING_AE_NOT_RECOGNIZED, cause)


def shows(certificate: Certificate | None, patterns: tuple[str, ...]) -> bool:
    """Whether a certificate is one that any of these names: its fingerprint, its subject, or one part of that."""
    if certificate is None:
        return False
    for each in patterns:
        wanted = fingerprint(each)
        if wanted is not None:
            if wanted == certificate.fingerprint:
                return True
        else:
            pattern = re.compile(fnmatch.translate(each))
            if any(pattern.match(text) for text in (certificate.subject, *certificate.parts)):
                return True
    return False


def _bound(entry: Device) -> _Bound:
    by_key = {each.words.partition(" ")[0]: each for each in identity_matchers(entry)}
    uids = frozenset(uid for each in entry.sop_classes for uid in uids_of(each))
    return _Bound(
        name=entry.name,
        title=by_key.pop("ae_titles", None),
        token=by_key.pop("tokens", None),
        others=tuple(by_key.values()),
        certificates=entry.certificate,
        sop_classes=uids or None,
        is_equipment=bool(entry.manufacturer or entry.model),
    )
