"""The Transfer Syntaxes of PS3.5 Annex A and PS3.6 Annex A, and what each does to a Data Set."""

from __future__ import annotations

from dataclasses import dataclass

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
DEFLATED_IMAGE_FRAME = "1.2.840.10008.1.2.8.1"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_FIRST_ORDER = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
HEVC_MAIN_10 = "1.2.840.10008.1.2.4.108"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"

_VIDEO = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))
"""MPEG2, MPEG-4 and HEVC, fragmentable or not."""


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """How a Data Set is encoded.

    `lossy` is None where the Transfer Syntax allows both and the Data Set has to say. `encapsulated` speaks of the
    Pixel Data; `referenced` says that it is elsewhere (JPIP, SMPTE ST 2110).
    """

    uid: str
    name: str
    implicit: bool = False
    big_endian: bool = False
    deflated: bool = False
    encapsulated: bool = False
    referenced: bool = False
    lossy: bool | None = False
    retired: bool = False

    @property
    def video(self) -> bool:
        """Whether the frames are one stream, of which a fragment holds any part."""
        return self.uid.startswith(_VIDEO)


def transfer_syntax(uid: str) -> TransferSyntax | None:
    """What is known of a Transfer Syntax UID; None for a private or unknown one."""
    return TRANSFER_SYNTAXES.get(uid)


def _compressed(
    suffix: str, name: str, lossy: bool | None, retired: bool = False, root: str = "1.2.840.10008.1.2.4."
) -> TransferSyntax:
    return TransferSyntax(root + suffix, name, encapsulated=True, lossy=lossy, retired=retired)


_ALL = (
    TransferSyntax(IMPLICIT_VR_LITTLE_ENDIAN, "Implicit VR Little Endian", implicit=True),
    TransferSyntax(EXPLICIT_VR_LITTLE_ENDIAN, "Explicit VR Little Endian"),
    TransferSyntax(ENCAPSULATED_UNCOMPRESSED, "Encapsulated Uncompressed Explicit VR Little Endian", encapsulated=True),
    TransferSyntax(DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, "Deflated Explicit VR Little Endian", deflated=True),
    TransferSyntax(EXPLICIT_VR_BIG_ENDIAN, "Explicit VR Big Endian", big_endian=True, retired=True),
    _compressed("50", "JPEG Baseline (Process 1)", True),
    _compressed("51", "JPEG Extended (Processes 2 and 4)", True),
    _compressed("52", "JPEG Extended (Processes 3 and 5)", True, retired=True),
    _compressed("53", "JPEG Spectral Selection, Non-Hierarchical (Processes 6 and 8)", True, retired=True),
    _compressed("54", "JPEG Spectral Selection, Non-Hierarchical (Processes 7 and 9)", True, retired=True),
    _compressed("55", "JPEG Full Progression, Non-Hierarchical (Processes 10 and 12)", True, retired=True),
    _compressed("56", "JPEG Full Progression, Non-Hierarchical (Processes 11 and 13)", True, retired=True),
    _compressed("57", "JPEG Lossless, Non-Hierarchical (Process 14)", False),
    _compressed("58", "JPEG Lossless, Non-Hierarchical (Process 15)", False, retired=True),
    _compressed("59", "JPEG Extended, Hierarchical (Processes 16 and 18)", True, retired=True),
    _compressed("60", "JPEG Extended, Hierarchical (Processes 17 and 19)", True, retired=True),
    _compressed("61", "JPEG Spectral Selection, Hierarchical (Processes 20 and 22)", True, retired=True),
    _compressed("62", "JPEG Spectral Selection, Hierarchical (Processes 21 and 23)", True, retired=True),
    _compressed("63", "JPEG Full Progression, Hierarchical (Processes 24 and 26)", True, retired=True),
    _compressed("64", "JPEG Full Progression, Hierarchical (Processes 25 and 27)", True, retired=True),
    _compressed("65", "JPEG Lossless, Hierarchical (Process 28)", False, retired=True),
    _compressed("66", "JPEG Lossless, Hierarchical (Process 29)", False, retired=True),
    _compressed("70", "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14, Selection Value 1)", False),
    _compressed("80", "JPEG-LS Lossless Image Compression", False),
    _compressed("81", "JPEG-LS Lossy (Near-Lossless) Image Compression", True),
    _compressed("90", "JPEG 2000 Image Compression (Lossless Only)", False),
    _compressed("91", "JPEG 2000 Image Compression", None),
    _compressed("92", "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)", False),
    _compressed("93", "JPEG 2000 Part 2 Multi-component Image Compression", None),
    TransferSyntax("1.2.840.10008.1.2.4.94", "JPIP Referenced", referenced=True, lossy=None),
    TransferSyntax("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate", deflated=True, referenced=True, lossy=None),
    _compressed("100", "MPEG2 Main Profile / Main Level", True),
    _compressed("100.1", "Fragmentable MPEG2 Main Profile / Main Level", True),
    _compressed("101", "MPEG2 Main Profile / High Level", True),
    _compressed("101.1", "Fragmentable MPEG2 Main Profile / High Level", True),
    _compressed("102", "MPEG-4 AVC/H.264 High Profile / Level 4.1", True),
    _compressed("102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1", True),
    _compressed("103", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", True),
    _compressed("103.1", "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", True),
    _compressed("104", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", True),
    _compressed("104.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", True),
    _compressed("105", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", True),
    _compressed("105.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", True),
    _compressed("106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", True),
    _compressed("106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", True),
    _compressed("107", "HEVC/H.265 Main Profile / Level 5.1", True),
    _compressed("108", "HEVC/H.265 Main 10 Profile / Level 5.1", True),
    _compressed("110", "JPEG XL Lossless", False),
    _compressed("111", "JPEG XL JPEG Recompression", True),
    _compressed("112", "JPEG XL", None),
    _compressed("201", "High-Throughput JPEG 2000 Image Compression (Lossless Only)", False),
    _compressed("202", "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)", False),
    _compressed("203", "High-Throughput JPEG 2000 Image Compression", None),
    TransferSyntax("1.2.840.10008.1.2.4.204", "JPIP HTJ2K Referenced", referenced=True, lossy=None),
    TransferSyntax(
        "1.2.840.10008.1.2.4.205", "JPIP HTJ2K Referenced Deflate", deflated=True, referenced=True, lossy=None
    ),
    _compressed("5", "RLE Lossless", False, root="1.2.840.10008.1.2."),
    _compressed("8.1", "Deflated Image Frame Compression", False, root="1.2.840.10008.1.2."),
    TransferSyntax("1.2.840.10008.1.2.6.1", "RFC 2557 MIME encapsulation", retired=True),
    TransferSyntax("1.2.840.10008.1.2.6.2", "XML Encoding", retired=True),
    TransferSyntax("1.2.840.10008.1.2.7.1", "SMPTE ST 2110-20 Uncompressed Progressive Active Video", referenced=True),
    TransferSyntax("1.2.840.10008.1.2.7.2", "SMPTE ST 2110-20 Uncompressed Interlaced Active Video", referenced=True),
    TransferSyntax("1.2.840.10008.1.2.7.3", "SMPTE ST 2110-30 PCM Digital Audio", referenced=True),
    TransferSyntax("1.2.840.10008.1.20", "Papyrus 3 Implicit VR Little Endian", implicit=True, retired=True),
)

TRANSFER_SYNTAXES = {each.uid: each for each in _ALL}
