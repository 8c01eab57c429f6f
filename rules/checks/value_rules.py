"""The rules on value fields that hold in every Data Set, whatever its IOD (PS3.5 6 and 7)."""

from __future__ import annotations

from rules.checks.value_place import stated
from rules.encode import Element
from rules.model import Rule, Severity

AE = stated(
    "value-syntax-ae",
    "PS3.5 6.2",
    Severity.ERROR,
    """An Application Entity Title is none.

    It has 1 to 16 characters of the default repertoire, no backslash, and is not spaces alone. Nobody can dial it.
    """,
    good=[{"StationAETitle": "CT_1"}],
    bad=[{"StationAETitle": "A_TITLE_OF_18_CHARS"}, {"StationAETitle": "  "}, {"StationAETitle": b"CT\xfc1"}],
)
AGE = stated(
    "value-syntax-age",
    "PS3.5 6.2",
    Severity.ERROR,
    """An Age String is none.

    It is three digits and one of D, W, M and Y. A receiver that expects the unit takes months for years, or drops it.
    """,
    good=[{"PatientAge": "064Y"}],
    bad=[{"PatientAge": "64"}, {"PatientAge": "64Y"}, {"PatientAge": "064y"}],
)
CODE = stated(
    "value-syntax-code",
    "PS3.5 6.2",
    Severity.ERROR,
    """A Code String is none.

    It has at most 16 upper case letters, digits, spaces and underscores. Receivers compare it letter by letter.
    """,
    good=[{"Modality": "CT"}, {"BodyPartExamined": ""}, {"PatientPosition": " HFS"}],
    bad=[{"Modality": "mr"}, {"BodyPartExamined": "POST-CONTRAST"}, {"BodyPartExamined": "SEVENTEEN_LETTERS"}],
)
DATE = stated(
    "value-syntax-date",
    "PS3.5 6.2",
    Severity.ERROR,
    """A date, a time or a date with time is none.

    Dates are days of the Gregorian calendar, YYYYMMDD; times have hours 00 to 23, a second 60 is a leap second; of a
    date with time the last parts may be left out. Databases refuse the others, or change them.
    """,
    good=[
        {"StudyDate": "20200229", "StudyTime": "235960.5"},
        {"AcquisitionDateTime": "202002291200-0500"},
        {"StudyTime": "12"},
    ],
    bad=[
        {"StudyDate": "20200231"},
        {"StudyDate": "2020.01.31"},
        {"StudyDate": "19000229"},
        {"StudyTime": "2400"},
        {"StudyTime": "12:30"},
        {"StudyTime": "1230.5"},
        {"AcquisitionDateTime": "20200101120000+1500"},
        {"AcquisitionDateTime": "20200101120000-0000"},
    ],
)
DECIMAL = stated(
    "value-syntax-decimal",
    "PS3.5 6.2",
    Severity.ERROR,
    """A Decimal String is none.

    It is a number in at most 16 characters, with a point and without embedded spaces. One that does not parse stops
    a receiver that computes with it.
    """,
    good=[{"SliceThickness": "+1.5E-3"}, {"PixelSpacing": ["0.5 ", " .5"]}],
    bad=[{"PatientWeight": "77,1"}, {"SliceThickness": "1.23456789012345678"}, {"SliceThickness": "1 .5"}],
)
INTEGER = stated(
    "value-syntax-integer",
    "PS3.5 6.2",
    Severity.ERROR,
    """An Integer String is none.

    It is a whole number from -2147483648 to 2147483647 in at most 12 characters.
    """,
    good=[{"InstanceNumber": "-2147483648"}, {"InstanceNumber": " 7"}],
    bad=[{"InstanceNumber": "one"}, {"InstanceNumber": "2147483648"}, {"InstanceNumber": "1.0"}],
)
NAME = stated(
    "value-syntax-name",
    "PS3.5 6.2",
    Severity.ERROR,
    """A Person Name is none.

    It has at most three component groups of 64 characters, each of at most five components, and no control
    characters. What is more, receivers cut off.
    """,
    good=[{"OperatorsName": "Doe^Jane^^Dr."}, {"OperatorsName": "A^B=C^D=E^F"}],
    bad=[{"OperatorsName": "A^B^C^D^E^F"}, {"OperatorsName": "A=B=C=D"}, {"OperatorsName": "x" * 65}],
)
TEXT = stated(
    "value-syntax-text",
    "PS3.5 6.2",
    Severity.ERROR,
    """A text is longer than its VR allows, or has control characters that it does not allow.

    Lengths count characters, not bytes. Receivers cut off what is too long, or refuse it.
    """,
    good=[
        {"SpecificCharacterSet": "ISO_IR 192", "StationName": "Universit\u00e4t \u00fc\u00f6\u00e4"},
        {"ImageComments": "two\r\nlines\\of text"},
    ],
    bad=[
        {"StationName": "has seventeen let"},
        {"StudyDescription": "two\nlines"},
        {"SpecificCharacterSet": "ISO_IR 100", "StudyDescription": b"quoted \x93so\x94"},
    ],
)
UID = stated(
    "value-syntax-uid",
    "PS3.5 9.1",
    Severity.ERROR,
    """A UID is none.

    It has at most 64 characters: numbers without leading zeros, and dots between them. Archives refuse others, or
    mix up what they identify.
    """,
    good=[{"FrameOfReferenceUID": "1.2.0.3"}, {"FrameOfReferenceUID": "1.2.3.40"}],
    bad=[
        {"FrameOfReferenceUID": "1.2.840.abc"},
        {"FrameOfReferenceUID": "1.2.03"},
        {"FrameOfReferenceUID": "1..2"},
        {"FrameOfReferenceUID": "2.25." + "1" * 60},
    ],
)
URI = stated(
    "value-syntax-uri",
    "PS3.5 6.2",
    Severity.ERROR,
    """A URI has characters that RFC 3986 does not let stand in one.

    They are written as a percent sign and two digits. A receiver that follows the link goes wrong.
    """,
    good=[{"RetrieveURL": "https://example.org/a%20b?c#d"}],
    bad=[{"RetrieveURL": "https://example.org/a b"}, {"RetrieveURL": " https://example.org"}],
)
BY_VR: dict[str, Rule] = {
    "AE": AE,
    "AS": AGE,
    "CS": CODE,
    "DA": DATE,
    "DS": DECIMAL,
    "DT": DATE,
    "IS": INTEGER,
    "LO": TEXT,
    "LT": TEXT,
    "PN": NAME,
    "SH": TEXT,
    "ST": TEXT,
    "TM": DATE,
    "UC": TEXT,
    "UI": UID,
    "UR": URI,
    "UT": TEXT,
}
"""The rule on the form of the values of each VR of strings."""

PADDING = stated(
    "value-padding",
    "PS3.5 6.2",
    Severity.WARNING,
    """A value is padded otherwise than its VR says.

    Strings are padded with a space and UIDs with one NUL, and a value with its padding is no longer than its VR
    allows. Most receivers cope; some compare the padding too.
    """,
    good=[{"FrameOfReferenceUID": "1.2.3"}, {"StationName": "CT1"}],
    bad=[
        {"FrameOfReferenceUID": "1.2.3 "},
        {"StationName": b"CT1\0"},
        {"StudyDate": "20200131  "},
        {"BodyPartExamined": "HEAD" + " " * 14},
    ],
)
UNDECODABLE = stated(
    "value-undecodable",
    "PS3.5 6.1.2.3",
    Severity.ERROR,
    """A text has bytes that its Specific Character Set does not define.

    Every receiver shows something else for them. The default repertoire is ASCII.
    """,
    good=[{"SpecificCharacterSet": "ISO_IR 100", "StudyDescription": b"f\xfcr"}],
    bad=[
        {"StudyDescription": b"f\xfcr"},
        {"SpecificCharacterSet": "ISO_IR 192", "StudyDescription": b"f\xfcr"},
    ],
)
ESCAPE_OPEN = stated(
    "value-escape-open",
    "PS3.5 6.1.2.5.3",
    Severity.ERROR,
    """A text does not go back to the first character set before a line or the value ends.

    What follows, the next value or the next line, is read in the set that was left in force.
    """,
    good=[
        {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "StudyDescription": b"\x1b$B;3ED\x1b(B"},
        {"SpecificCharacterSet": ["", "ISO 2022 IR 149"], "StudyDescription": b"\x1b$)C\xb1\xe8"},
    ],
    bad=[
        {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "StudyDescription": b"A\x1b$B;3ED"},
        {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": b"A^B=\x1b$B;3ED\x1b(B^\x1b$B;3ED"},
    ],
)
CHARACTER_SET = stated(
    "value-character-set",
    "PS3.3 C.12.1.1.2",
    Severity.WARNING,
    """Specific Character Set has a value that is no Defined Term, or values that do not go together.

    Receivers then guess how text is encoded. UTF-8, GB18030 and GBK stand alone, which is an error where they do
    not; the terms with 2022 are for several values, and the first of these is no multi-byte set.
    """,
    good=[
        {"SpecificCharacterSet": "ISO_IR 192"},
        {"SpecificCharacterSet": ["", "ISO 2022 IR 87"]},
        {"SpecificCharacterSet": ["ISO 2022 IR 13", "ISO 2022 IR 87"]},
    ],
    bad=[
        {"SpecificCharacterSet": "UTF_8"},
        {"SpecificCharacterSet": "ISO 2022 IR 100"},
        {"SpecificCharacterSet": ["ISO_IR 192", "ISO 2022 IR 87"]},
        {"SpecificCharacterSet": ["ISO_IR 100", "ISO 2022 IR 87"]},
        {"SpecificCharacterSet": ["ISO 2022 IR 87", "ISO 2022 IR 6"]},
    ],
)
MULTIPLICITY = stated(
    "value-multiplicity",
    "PS3.5 6.4",
    Severity.ERROR,
    """An Attribute has fewer or more values than its VM allows.

    Receivers take the values they expect and drop or invent the rest.
    """,
    good=[{"ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]}, {"ImageOrientationPatient": ""}],
    bad=[
        {"ImageOrientationPatient": ["1", "0", "0", "0", "1"]},
        {"Rows": [1, 2]},
        {"Modality": ["CT", "MR"]},
        {"StudyDescription": "one\\two"},
    ],
)
ENCODED_VR = stated(
    "value-encoded-vr",
    "PS3.6 6",
    Severity.ERROR,
    """An Attribute is encoded with another VR than the dictionary gives it.

    Receivers that trust the dictionary misread its bytes. UN is allowed where the VR was not known (PS3.5 6.2.2).
    """,
    good=[{"StationName": Element("UN", b"CT1 ")}, {"SmallestImagePixelValue": Element("SS", -1)}],
    bad=[{"StationName": Element("LO", "CT1")}, {"Rows": Element("UL", 4)}],
)
LENGTH = stated(
    "value-length",
    "PS3.5 6.2",
    Severity.ERROR,
    """The length of a value field is no multiple of what one value of its VR has.

    The last value is broken, or the VR is another one. In explicit VR this is told as `encoding`.
    """,
    good=[{"Rows": Element("UN", b"\4\0")}],
    bad=[{"RealWorldValueSlope": Element("UN", b"\0\0\0\0")}],
)
NOT_FINITE = stated(
    "value-not-finite",
    "PS3.5 6.2",
    Severity.NOTE,
    """A floating point number is infinite or no number.

    The Standard does not forbid it, and few receivers expect it.
    """,
    good=[{"RealWorldValueSlope": 1.5}],
    bad=[{"RealWorldValueSlope": float("nan")}, {"RealWorldValueSlope": float("-inf")}],
)
