"""What is mentioned anywhere in an instance: the instances it refers to, and characters beyond the default ones."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules.charset import ESCAPE
from rules.conditions import Answer, yes_if
from rules.dictionary import tag_of
from rules.header import Header
from rules.kinds import is_kind
from rules.stencil import Stencil
from rules.values import TEXT

_CLASS, _INSTANCE, _STUDY = (
    tag_of(each) for each in ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID", "StudyInstanceUID")
)
_LISTS = frozenset(
    tag_of(each) for each in ("ReferencedSeriesSequence", "StudiesContainingOtherReferencedInstancesSequence")
)
"""The Common Instance Reference Module, which lists what the rest of the instance refers to (PS3.3 C.12.2)."""
_HL7 = b"2.16.840.1.113883.1.7."
"""How the object identifiers begin that stand for unencapsulated HL7 documents (PS3.3 C.12.1.1.6)."""

_SERVICES = b"1.2.840.10008.3.1."
"""How the UIDs of SOP Classes begin that stand for Studies, procedure steps and the like, which are not stored."""


def refers_to(root: Header, what: str) -> Answer:
    """Whether the instance refers to such instances; found out once an instance, since several conditions ask it.

    `what` is "instances", composite ones of some Study and other than itself; "this Study" or "other Studies", which
    only references can tell that name the Study; "HL7 documents", unencapsulated ones.
    """
    known = root.source.answers
    if what not in known:
        known.update({what: _to_documents(root)} if what == "HL7 documents" else _to_instances(root))
    answer: Answer = known[what]
    return answer


def _to_documents(root: Header) -> Answer:
    return yes_if(_has(root, _HL7) and any(each.sop_class.startswith(_HL7) for each in references(root)))


def _to_instances(root: Header) -> dict[str, Answer]:
    answers = dict.fromkeys(("instances", "this Study", "other Studies"), Answer.NO)
    if _has(root, _tag_bytes(root, _INSTANCE)):
        this = _bare(root.raw("SOPInstanceUID"))
        for each in references(root, _LISTS):
            if each.names_another(this):
                for what, answer in answers.items():
                    if answer is not Answer.YES:
                        said = _answer(each, root, what)
                        answers[what] = answer if said is Answer.NO else said
    return answers


def _answer(reference: Reference, root: Header, what: str) -> Answer:
    if reference.sop_class.startswith(_SERVICES):
        return Answer.NO
    in_study = is_kind(reference.sop_class.decode("latin-1"), "study")
    if what == "instances" or in_study is not Answer.YES:
        return in_study
    if reference.study is None:
        return Answer.UNKNOWN
    return yes_if((reference.study == _bare(root.raw("StudyInstanceUID"))) is (what == "this Study"))


@dataclass(frozen=True, slots=True)
class Reference:
    """References to a SOP Class, with the Study Instance UID that stands beside them or around them.

    `instances` are the value fields of the SOP Instance UIDs, none where it is not known which are of this SOP Class.
    """

    sop_class: bytes
    instances: frozenset[bytes]
    study: bytes | None

    def names_another(self, instance: bytes) -> bool:
        """Whether some instance is referred to that is not this one."""
        return any(_bare(each) != instance for each in self.instances or (b"",))


def references(place: Header, without: frozenset[int] = frozenset()) -> Iterator[Reference]:
    """Every reference in a Data Set or Item but those below the Sequences `without`, the same ones once a structure."""
    for tag in _sequences(place):
        if tag not in without:
            yield from _in_sequence(place, tag)


def _in_sequence(place: Header, tag: int) -> Iterable[Reference]:
    known = place.known(tag)
    if known is None:
        return _in_stencils(place, tag)
    if known.references is None:
        known.references = tuple(_in_stencils(place, tag))
    return known.references


def _in_stencils(place: Header, tag: int) -> Iterator[Reference]:
    for stencil in place.stencils(tag):
        yield from _in_items(stencil.exemplar, stencil, None)


def _in_items(item: Header, stencil: Stencil, study: bytes | None) -> Iterator[Reference]:
    if item.has(_STUDY):
        study = _bare(item.raw(_STUDY))
    if item.has(_INSTANCE):
        classes = {_bare(each) for each in stencil.distinct_at(item, _CLASS)} or {b""}
        instances = stencil.distinct_at(item, _INSTANCE) if len(classes) == 1 else frozenset[bytes]()
        for sop_class in classes:
            yield Reference(sop_class, instances, study)
    for tag in _sequences(item):
        for below in item.items(tag):
            yield from _in_items(below, stencil, study)


def has_extended_characters(place: Header, *, below: bool = True) -> bool:
    """Whether text of a Data Set or Item has bytes beyond the default repertoire (PS3.5 6.1.2.1), or text `below` it.

    Private Attributes are not looked at: what they hold under a VR of text need not be text.
    """
    return any(_extended(place.raw(tag) or b"") for tag in _texts(place)) or any(
        _extended_in(place, tag) for tag in (_sequences(place) if below else ())
    )


def _extended_in(place: Header, tag: int) -> bool:
    known = place.known(tag)
    if known is not None and known.extended is not None:
        return known.extended
    extended = any(_extended(raw) for each in place.stencils(tag) for raw in _below(each.exemplar, each))
    if known is not None:
        known.extended = extended
    return extended


def _below(item: Header, stencil: Stencil) -> Iterator[bytes]:
    for tag in _texts(item):
        yield from stencil.distinct_at(item, tag)
    for tag in _sequences(item):
        for below in item.items(tag):
            yield from _below(below, stencil)


def _texts(place: Header) -> list[int]:
    return [tag for tag in place.tags() if not tag & 0x10000 and place.vr(tag) in TEXT]


def _sequences(place: Header) -> list[int]:
    return list(place.nested())


def _extended(raw: bytes) -> bool:
    return not raw.isascii() or ESCAPE in raw


def _has(root: Header, searched: bytes) -> bool:
    """Whether the bytes stand in front of the pixel data; a quick look before a thorough one."""
    data = root.source.data
    end = root.pixel_offset or len(data)
    if isinstance(data, memoryview):
        data = bytes(data[:end])
    return data.find(searched, 0, end) >= 0


def _tag_bytes(root: Header, tag: int) -> bytes:
    return struct.pack(">HH" if root.encoding.big_endian else "<HH", tag >> 16, tag & 0xFFFF)


def _bare(raw: bytes | None) -> bytes:
    return (raw or b"").rstrip(b" \0")
