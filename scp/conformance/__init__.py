"""The DICOM Conformance Statement of a configured node (PS3.2)."""
