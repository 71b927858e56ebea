"""Which DICOM elements are read at all; every other one never leaves the disk."""

from __future__ import annotations

from functools import cache
from typing import Final

from pydicom.datadict import tag_for_keyword

__all__ = ["DISPLAY_MODALITIES", "FACTS", "IMAGE", "NOT_IMAGES", "SERIES", "UPTAKE", "tags"]

# what it takes to decode an image and to place it in space
IMAGE: Final = (
    "SpecificCharacterSet",
    "Modality",
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PlanarConfiguration",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "ModalityLUTSequence",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)

# what it takes to turn PET values into SUV; nothing of it is kept or told
UPTAKE: Final = (
    "Units",
    "SUVType",
    "CorrectedImage",
    "DecayCorrection",
    "PatientWeight",
    "RadiopharmaceuticalInformationSequence",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "FrameReferenceTime",
    "ActualFrameDuration",
)
# by number: the vendor's name of a private block, and the elements in it
_PRIVATE: Final = (0x00090010, 0x0009100D, 0x70530010, 0x70531000, 0x70531009)

# what may be told about an image: codes and numbers that describe the acquisition. No names,
# dates, identifiers or comments, whatever a vendor wrote into them.
FACTS: Final = (
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "BodyPartExamined",
    "ViewPosition",
    "Laterality",
    "ImageLaterality",
    "PatientPosition",
    "PatientSex",
    "PatientAge",
    "SliceThickness",
    "MagneticFieldStrength",
    "MRAcquisitionType",
    "ScanningSequence",
    "SequenceVariant",
    "SequenceName",
    "RepetitionTime",
    "EchoTime",
    "InversionTime",
    "FlipAngle",
    "ConvolutionKernel",
    "KVP",
    "WindowCenter",
    "WindowWidth",
    "BurnedInAnnotation",
    "RecognizableVisualFeatures",
    "PresentationIntentType",
    "PhotometricInterpretation",
)

# what it takes to sort files into series; the identifiers stay with the importer, which
# hashes them
SERIES: Final = (
    "SpecificCharacterSet",
    "Modality",
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "NumberOfFrames",
    "Rows",
    "ImagePositionPatient",
    "ImageOrientationPatient",
)

# their stored values are meant to be looked at, from black to white
DISPLAY_MODALITIES: Final = frozenset(
    (
        *("CR", "DG", "DX", "IO", "MG", "PX", "RF", "RG", "XA"),  # X-ray projections
        *("BI", "IVUS", "US"),  # ultrasound and its kind
        *("IVOCT", "OCT", "OP", "OPT"),  # eye, and optical coherence
        *("DMS", "ES", "GM", "LS", "OT", "SC", "SM", "TG", "XC"),  # photographs and captures
    )
)

# DICOM objects that are no pictures of a patient
NOT_IMAGES: Final = {
    "SR": "a structured report",
    "PR": "a presentation state",
    "KO": "a key object selection",
    "SEG": "a segmentation",
    "REG": "a registration",
    "FID": "a list of fiducials",
    "RTSTRUCT": "a radiotherapy structure set",
    "RTPLAN": "a radiotherapy plan",
    "RTDOSE": "a radiotherapy dose",
    "RTRECORD": "a radiotherapy record",
    "RWV": "a real world value map",
    "DOC": "a document",
    "AU": "sound",
    "ECG": "an electrocardiogram",
    "EPS": "an electrophysiology record",
    "HD": "a hemodynamic record",
    "PLAN": "a plan",
    "STAIN": "a staining record",
    "SMR": "a stereometric relation",
    "ANN": "a list of annotations",
}


@cache
def tags(keywords: tuple[str, ...]) -> frozenset[int]:
    """Return the tags of elements that are named by keyword; of UPTAKE, private ones too."""
    found = [tag_for_keyword(keyword) for keyword in keywords]
    assert None not in found, "a keyword is misspelt"
    private = _PRIVATE if keywords == UPTAKE else ()
    return frozenset(tag for tag in (*found, *private) if tag is not None)
