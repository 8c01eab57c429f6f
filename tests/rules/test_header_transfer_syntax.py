"""The Transfer Syntaxes, with pydicom's list as the oracle."""

from __future__ import annotations

import pydicom.uid
import pytest

from rules.transfer_syntax import JPEG_BASELINE, TRANSFER_SYNTAXES, transfer_syntax


def test_all_that_pydicom_knows_are_known_with_their_properties() -> None:
    for uid, (_, kind, _, retired, _) in pydicom.uid.UID_dictionary.items():
        if kind != "Transfer Syntax":
            continue
        mine, theirs = TRANSFER_SYNTAXES[uid], pydicom.uid.UID(uid)
        assert mine.retired is bool(retired), uid
        if uid in pydicom.uid.AllTransferSyntaxes:
            assert mine.implicit is theirs.is_implicit_VR
            assert mine.big_endian is not theirs.is_little_endian
            assert mine.deflated is theirs.is_deflated or mine.referenced
            assert mine.encapsulated is theirs.is_encapsulated or mine.referenced


@pytest.mark.parametrize(
    ("uid", "lossy"),
    [
        (JPEG_BASELINE, True),
        ("1.2.840.10008.1.2.4.70", False),
        ("1.2.840.10008.1.2.4.91", None),
        ("1.2.840.10008.1.2.4.110", False),
        ("1.2.840.10008.1.2.4.111", True),
        ("1.2.840.10008.1.2.4.112", None),
        ("1.2.840.10008.1.2.8.1", False),
        ("1.2.840.10008.1.2.1.98", False),
    ],
)
def test_lossy_is_yes_no_or_for_the_data_set_to_say(uid: str, lossy: bool | None) -> None:
    known = transfer_syntax(uid)
    assert known is not None
    assert (known.lossy, known.encapsulated) == (lossy, True)


def test_a_private_one_is_unknown() -> None:
    assert transfer_syntax("1.2.840.113619.5.2") is None
