from __future__ import annotations

from io import BytesIO

import pydicom

from scp.file_meta import file_meta


def test_pydicom_reads_what_is_written() -> None:
    head = file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1", "CT_1", "DICOMGATE")
    read = pydicom.dcmread(BytesIO(head))
    assert read.preamble == b"\0" * 128
    assert read.file_meta.MediaStorageSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    assert read.file_meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert read.file_meta.SendingApplicationEntityTitle == "CT_1"
    assert read.file_meta.ReceivingApplicationEntityTitle == "DICOMGATE"
    assert read.file_meta.FileMetaInformationVersion == b"\0\1"
    assert read.file_meta.FileMetaInformationGroupLength == len(head) - 132 - 12


def test_an_empty_title_is_left_out() -> None:
    read = pydicom.dcmread(BytesIO(file_meta("1.2", "1.2.3", "1.2.840.10008.1.2", "", "")))
    assert "SendingApplicationEntityTitle" not in read.file_meta
