"""The values that PS3.3 lists, written down a second time: each is accepted where it is listed, and only there."""

from __future__ import annotations

import pytest

from rules.checks.image_type import image_types
from rules.encode import header_of
from rules.engine import check, load_rules
from rules.image_types import image_type
from rules.iods import iods
from rules.model import Finding, Undecided


def words(text: str) -> list[str]:
    return text.split()


FLAVORS = words(
    "ANGIO CARDIAC CARDIAC_GATED CARDRESP_GATED DYNAMIC FLUOROSCOPY LOCALIZER MOTION PERFUSION PRE_CONTRAST "
    "POST_CONTRAST RESP_GATED REST STATIC STRESS VOLUME NON_PARALLEL PARALLEL WHOLE_BODY"
)
MR_FLAVORS = words(
    "ANGIO_TIME ASL CINE DIFFUSION DIXON FLOW_ENCODED FLUID_ATTENUATED FMRI MAX_IP MIN_IP M_MODE "
    "METABOLITE_MAP MULTIECHO PROTON_DENSITY REALTIME STIR TAGGING TEMPERATURE T1 T2 T2_STAR TOF VELOCITY"
)
CT_FLAVORS = words("ATTENUATION CARDIAC_CTA CARDIAC_CASCORE REFERENCE")
CONTRASTS = words(
    "ADDITION DIVISION MASKED MAXIMUM MEAN MINIMUM MULTIPLICATION RESAMPLED STD_DEVIATION SUBTRACTION NONE QUANTITY"
)
CT_CONTRASTS = words("FILTERED MEDIAN ENERGY_PROP_WT")
BREAST = words("TOMO_PROJ TOMOSYNTHESIS TOMO_SCOUT PREFIRE POSTFIRE POSTBIOPSY POSTMARKER PRE_CONTRAST POST_CONTRAST")
STEREOTACTIC = words(
    "STEREO_SCOUT STEREO_MINUS STEREO_PLUS PREFIRE_MINUS PREFIRE_PLUS POSTFIRE_MINUS POSTFIRE_PLUS "
    "POSTBIOPSY_MINUS POSTBIOPSY_PLUS POSTBIOPSY POSTMARKER_MINUS POSTMARKER_PLUS POSTMARKER"
)
ULTRASOUND = [
    *words(
        "ABDOMINAL BREAST CHEST ENDOCAVITARY ENDORECTAL ENDOVAGINAL EPICARDIAL GYNECOLOGY INTRACARDIAC "
        "INTRAOPERATIVE INTRAVASCULAR MUSCULOSKELETAL OBSTETRICAL OPHTHALMIC PEDIATRIC PELVIC RETROPERITONEAL "
        "SCROTAL TEE THYROID TRANSCRANIAL TTE VASCULAR"
    ),
    "FETAL HEART", "NEONATAL HEAD", "SMALL PARTS", "US BIOPSY",
]  # fmt: skip
MR_MAPS = [
    "DENSITY MAP", "DIFFUSION MAP", "IMAGE ADDITION", "MODULUS SUBTRACT", "MPR", "OTHER", "PHASE MAP",
    "PHASE SUBTRACT", "PROJECTION IMAGE", "T1 MAP", "T2 MAP", "VELOCITY MAP",
]  # fmt: skip
NUCLEAR = ["STATIC", "DYNAMIC", "GATED", "WHOLE BODY", "TOMO", "GATED TOMO", "RECON TOMO", "RECON GATED TOMO"]
SPECTROSCOPY = words("ADDITION DIVISION MAXIMUM MEAN MINIMUM MULTIPLICATION STD_DEVIATION SUBTRACTION NONE")

EVERY = sorted({*FLAVORS, *MR_FLAVORS, *CT_FLAVORS, *CONTRASTS, *CT_CONTRASTS, *BREAST, *STEREOTACTIC, *ULTRASOUND}
    | {*MR_MAPS, *NUCLEAR, *SPECTROSCOPY, "SINGLE PLANE", "BIPLANE A", "STEREO L", "ONH", "LABEL", "THUMBNAIL", "VMI"}
    | {"AXIAL", "LONGITUDINAL", "SPECTROSCOPY", "GENERATED_2D", "DRR", "MONTAGE", "COLOR", "CORNEAL_TOPO"})  # fmt: skip

LISTED = {
    ("CT Image", 3): ["AXIAL", "LOCALIZER"],
    ("MR Image", 3): MR_MAPS,
    ("Nuclear Medicine Image", 3): NUCLEAR,
    ("Nuclear Medicine Image", 4): ["EMISSION", "TRANSMISSION"],
    ("Ultrasound Image", 3): ULTRASOUND,
    ("Ultrasound Multi-frame Image", 3): ULTRASOUND,
    ("X-Ray Angiographic Image", 3): ["SINGLE PLANE", "BIPLANE A", "BIPLANE B"],
    ("X-Ray Radiofluoroscopic Image", 3): ["SINGLE PLANE", "BIPLANE A", "BIPLANE B"],
    ("RT Image", 3): ["DRR", "PORTAL", "SIMULATOR", "RADIOGRAPH", "BLANK", "FLUENCE"],
    ("Digital Mammography X-Ray Image", 3): [*STEREOTACTIC, *BREAST],
    ("VL Endoscopic Image", 3): ["STEREO L", "STEREO R"],
    ("Dermoscopic Photography Image", 3): ["STEREO L", "STEREO R"],
    ("VL Whole Slide Microscopy Image", 3): ["VOLUME", "LABEL", "OVERVIEW", "THUMBNAIL"],
    ("VL Whole Slide Microscopy Image", 4): ["NONE", "RESAMPLED"],
    ("Enhanced MR Image", 3): [*FLAVORS, *MR_FLAVORS],
    ("Enhanced MR Image", 4): [*CONTRASTS, "MIXED"],
    ("Enhanced MR Color Image", 3): [*FLAVORS, *MR_FLAVORS],
    ("Legacy Converted Enhanced MR Image", 3): [*FLAVORS, *MR_FLAVORS],
    ("Legacy Converted Enhanced MR Image", 4): [*CONTRASTS, "MIXED"],
    ("MR Spectroscopy", 3): ["SPECTROSCOPY"],
    ("MR Spectroscopy", 4): [*SPECTROSCOPY, "MIXED"],
    ("Enhanced CT Image", 3): [*FLAVORS, *CT_FLAVORS],
    ("Enhanced CT Image", 4): [*CONTRASTS, *CT_CONTRASTS, "MIXED"],
    ("Legacy Converted Enhanced CT Image", 3): [*FLAVORS, *CT_FLAVORS],
    ("Legacy Converted Enhanced CT Image", 4): [*CONTRASTS, *CT_CONTRASTS, "MIXED"],
    ("Enhanced PET Image", 3): FLAVORS,
    ("Enhanced PET Image", 4): [*CONTRASTS, "MIXED"],
    ("Legacy Converted Enhanced PET Image", 3): FLAVORS,
    ("Enhanced XA Image", 3): FLAVORS,
    ("Enhanced XA Image", 4): ["NONE"],
    ("Enhanced XRF Image", 4): ["NONE"],
    ("X-Ray 3D Angiographic Image", 3): FLAVORS,
    ("X-Ray 3D Craniofacial Image", 4): ["NONE"],
    ("Breast Tomosynthesis Image", 3): [*FLAVORS, *BREAST],
    ("Breast Tomosynthesis Image", 4): [*CONTRASTS, "GENERATED_2D", "MIXED"],
    ("Breast Projection X-Ray Image", 3): [*FLAVORS, *BREAST],
    ("Enhanced US Volume", 3): FLAVORS,
    ("Enhanced US Volume", 4): [*CONTRASTS, "MIXED"],
    ("Intravascular Optical Coherence Tomography Image", 3): [*FLAVORS, "AXIAL", "LONGITUDINAL"],
    ("Intravascular Optical Coherence Tomography Image", 4): [*CONTRASTS, "MIXED"],
    ("Ophthalmic Photography 8 Bit Image", 4): ["COLOR", "REDFREE", "RED", "BLUE", "FA", "ICG"],
    ("Ophthalmic Thickness Map", 3): ["ONH", "RETINAL_THICK"],
    ("Corneal Topography Map", 3): ["CORNEAL_TOPO"],
    ("Parametric Map", 3): [*FLAVORS, *CT_FLAVORS, *MR_FLAVORS],
    ("Parametric Map", 4): [*CONTRASTS, *CT_CONTRASTS, "MIXED"],
}  # fmt: skip


def found(iod: str, values: list[str], **more: object) -> list[Finding]:
    facts = image_type(iod)
    assert facts is not None
    header = header_of({"SOPClassUID": iods()[iod].sop_class_uids[0], "ImageType": values, **more})
    return [each for each in image_types(header, facts) if isinstance(each, Finding)]


@pytest.mark.parametrize(("iod", "number"), LISTED)
def test_the_listed_values_are_accepted_and_no_others(iod: str, number: int) -> None:
    load_rules()
    facts = image_type(iod)
    assert facts is not None
    first = "DERIVED" if "DERIVED" in facts.values[0].enumerated else "ORIGINAL"
    values = [first, "PRIMARY", "", ""]
    accepted = []
    for term in {*EVERY, *LISTED[iod, number]}:
        values[number - 1] = term
        rules = {each.rule for each in found(iod, values)}
        if not rules & {f"image-type-value-{number}", f"image-type-term-{number}", "image-type-retired-term"}:
            accepted.append(term)
    assert sorted(accepted) == sorted(set(LISTED[iod, number]))


MULTI_FRAME = {
    "Enhanced MR Image", "Enhanced MR Color Image", "Legacy Converted Enhanced MR Image", "MR Spectroscopy",
    "Enhanced CT Image", "Legacy Converted Enhanced CT Image", "Enhanced PET Image",
    "Legacy Converted Enhanced PET Image", "Enhanced XA Image", "Enhanced XRF Image", "X-Ray 3D Angiographic Image",
    "X-Ray 3D Craniofacial Image", "Breast Tomosynthesis Image", "Breast Projection X-Ray Image",
    "Enhanced US Volume", "Intravascular Optical Coherence Tomography Image", "Photoacoustic Image",
    "Enhanced RT Image", "Enhanced Continuous RT Image",
}  # fmt: skip
ANY = "ORIGINAL DERIVED MIXED PRIMARY SECONDARY"
FIRST_TWO = {
    **dict.fromkeys(MULTI_FRAME, ("ORIGINAL DERIVED MIXED", "PRIMARY")),
    "Parametric Map": ("DERIVED", "PRIMARY"),
    "Segmentation": ("DERIVED", "PRIMARY"),
    "VL Whole Slide Microscopy Image": ("ORIGINAL DERIVED", "PRIMARY"),
    "Ophthalmic Photography 8 Bit Image": ("ORIGINAL DERIVED", "PRIMARY"),
    "Ophthalmic Photography 16 Bit Image": ("ORIGINAL DERIVED", "PRIMARY"),
    "Wide Field Ophthalmic Photography Stereographic Projection Image": ("ORIGINAL DERIVED", "PRIMARY"),
    "Wide Field Ophthalmic Photography 3D Coordinates Image": ("ORIGINAL DERIVED", "PRIMARY"),
    "Ophthalmic Optical Coherence Tomography En Face Image": ("DERIVED", "PRIMARY"),
    "Ophthalmic Optical Coherence Tomography B-scan Volume Analysis": ("ORIGINAL", "PRIMARY"),
    # The values of these two are not among the facts.
    "Confocal Microscopy Image": (ANY, ANY),
    "Confocal Microscopy Tiled Pyramidal Image": (ANY, ANY),
}


@pytest.mark.parametrize("iod", [each for each in iods() if image_type(each)])
def test_the_first_two_values_are_those_of_the_iod(iod: str) -> None:
    load_rules()
    for number, wanted in enumerate(FIRST_TWO.get(iod, ("ORIGINAL DERIVED", "PRIMARY SECONDARY")), start=1):
        accepted = []
        for term in words(ANY):
            values = ["DERIVED", "PRIMARY", "", ""]
            values[number - 1] = term
            if f"image-type-value-{number}" not in {each.rule for each in found(iod, values)}:
                accepted.append(term)
        assert accepted == words(wanted)


@pytest.mark.parametrize("modality", ["CT", "MR", "PET"])
def test_value_4_of_a_converted_image_may_be_empty(modality: str) -> None:
    values = ["ORIGINAL", "PRIMARY", "VOLUME", ""]
    assert found(f"Legacy Converted Enhanced {modality} Image", values) == []
    assert [each.rule for each in found(f"Enhanced {modality} Image", values)] == ["image-type-value-4"]


def test_a_multi_energy_ct_needs_value_4_and_an_enhanced_one_value_5() -> None:
    energy = {"MultienergyCTAcquisition": "YES"}
    assert found("CT Image", ["ORIGINAL", "PRIMARY", "AXIAL", "VMI"], **energy) == []
    (lacking,) = found("CT Image", ["ORIGINAL", "PRIMARY", "AXIAL"], **energy)
    (generic,) = found("CT Image", ["DERIVED", "PRIMARY", "AXIAL", "BLURRED"], **energy)
    assert (lacking.severity, generic.severity) == ("error", "note")
    four = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    assert [each.rule for each in found("Enhanced CT Image", four, **energy)] == ["image-type-count"]
    assert [each.rule for each in found("Enhanced CT Image", [*four, "VMI"], **energy)] == ["image-type-not-judged"]
    assert "image-type-count" in {each.rule for each in found("Enhanced CT Image", [*four, "VMI"])}


@pytest.mark.parametrize(
    ("iod", "term", "when"),
    [
        ("Enhanced MR Image", "ADC", "until 2018c"),
        ("Parametric Map", "T2_STAR_MAP", "until 2018c"),
        ("Enhanced CT Image", "RCBF", "before 2020"),
    ],
)
def test_a_term_of_an_earlier_edition_is_a_warning_that_says_when(iod: str, term: str, when: str) -> None:
    (finding,) = found(iod, ["DERIVED", "PRIMARY", "VOLUME", term])
    assert (finding.rule, finding.severity) == ("image-type-retired-term", "warning")
    assert finding.message == f"is {term}, a Defined Term {when}"


def test_a_slide_has_four_values_and_localizer_is_retired() -> None:
    slide = "VL Whole Slide Microscopy Image"
    assert found(slide, ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]) == []
    assert [each.rule for each in found(slide, ["ORIGINAL", "PRIMARY", "VOLUME"])] == ["image-type-count"]
    (retired,) = found(slide, ["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"])
    assert retired.message == "is LOCALIZER, a Defined Term until 2021c"


def test_a_montage_is_derived() -> None:
    eye = "Ophthalmic Photography 8 Bit Image"
    assert found(eye, ["DERIVED", "PRIMARY", "MONTAGE"]) == []
    assert found(eye, ["ORIGINAL", "PRIMARY", "", "COLOR"]) == []
    assert [each.rule for each in found(eye, ["ORIGINAL", "PRIMARY", "MONTAGE"])] == ["image-type-value-3"]


def test_an_ultrasound_image_may_leave_image_type_empty_but_not_out() -> None:
    uid = iods()["Ultrasound Image"].sop_class_uids[0]
    empty = check(header_of({"SOPClassUID": uid, "ImageType": None}), load_rules())
    absent = check(header_of({"SOPClassUID": uid}), load_rules())
    assert [each for each in empty.findings if each.path == "ImageType"] == []
    assert [each.message for each in absent.findings if each.path == "ImageType"] == ["is absent, Type 2"]


def test_what_the_tables_do_not_know_is_counted_and_noted() -> None:
    facts = image_type("Confocal Microscopy Image")
    assert facts is not None
    said = list(image_types(header_of({"ImageType": ["A", "B"]}), facts))
    assert sum(isinstance(each, Undecided) for each in said) == 2
    assert "image-type-not-judged" in {each.rule for each in said if isinstance(each, Finding)}
