"""The smallest sound instances, changed by keyword: `ct(ImageType=["MIXED", "PRIMARY", "AXIAL"])`.

A keyword with the value None is left out.
"""

from __future__ import annotations

from rules.encode import encode, part10

EXPLICIT = "1.2.840.10008.1.2.1"
PIXELS = b"PIXELS" * 2 + b"\0" * 20
"""4 x 4 pixels of 16 bits, recognisable in a file."""

Attributes = dict[str, object]


def ct(**changes: object) -> Attributes:
    """A CT Image (PS3.3 A.3) of 4 x 4 pixels, or of as many as the Pixel Data given has."""
    pixels = changes.get("PixelData")
    if isinstance(pixels, bytes):
        columns = next(each for each in (1000, 50, 1) if len(pixels) % (2 * each) == 0)
        changes = {"Rows": len(pixels) // 2 // columns, "Columns": columns, **changes}
    return _changed(
        {
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
            "SOPInstanceUID": "1.2.3.4",
            "StudyDate": "20260102",
            "StudyTime": "101112",
            "AccessionNumber": "A1",
            "Modality": "CT",
            "Manufacturer": "Maker",
            "ReferringPhysicianName": "",
            "ManufacturerModelName": "Model",
            "PatientName": "Doe^Jane",
            "PatientID": "P1",
            "PatientBirthDate": "19700101",
            "PatientSex": "O",
            "KVP": "120",
            "PatientPosition": "HFS",
            "StudyInstanceUID": "1.2.3.1000",
            "SeriesInstanceUID": "1.2.3.1001",
            "StudyID": "1",
            "SeriesNumber": "1",
            "AcquisitionNumber": "1",
            "InstanceNumber": "1",
            "ImagePositionPatient": ["0", "0", "0"],
            "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
            "FrameOfReferenceUID": "1.2.3.1002",
            "PositionReferenceIndicator": "",
            "SliceThickness": "1",
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": 4,
            "Columns": 4,
            "PixelSpacing": ["1", "1"],
            "BitsAllocated": 16,
            "BitsStored": 12,
            "HighBit": 11,
            "PixelRepresentation": 0,
            "RescaleIntercept": "-1024",
            "RescaleSlope": "1",
            "PixelData": PIXELS,
        },
        changes,
    )


def data_set(attributes: Attributes, transfer_syntax_uid: str = EXPLICIT) -> bytes:
    """The bytes of a Data Set, as they travel in a C-STORE."""
    return encode(attributes, transfer_syntax_uid)


__all__ = ["ct", "data_set", "part10"]


def _changed(attributes: Attributes, changes: Attributes) -> Attributes:
    return {key: value for key, value in {**attributes, **changes}.items() if value is not None}
