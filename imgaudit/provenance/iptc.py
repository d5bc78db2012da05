"""The text records of IPTC-IIM, the older kind of press metadata, as JPEG's APP13 and TIFF carry it.

Source: IPTC-IIM 4.2; the record numbers are those of record 2, the application record.
"""

from __future__ import annotations

from imgaudit.provenance.container import Collector, decoded

RECORDS = {
    5: "ObjectName",
    40: "SpecialInstructions",
    65: "OriginatingProgram",
    80: "By-line",
    105: "Headline",
    110: "Credit",
    115: "Source",
    116: "CopyrightNotice",
    120: "Caption-Abstract",
}
RESOURCE = 0x0404


def read_photoshop(data: bytes, collector: Collector) -> None:
    """Add the IPTC records that stand in a block of Photoshop resources."""
    offset = 0
    while data[offset : offset + 4] == b"8BIM" and offset + 12 <= len(data):
        number = int.from_bytes(data[offset + 4 : offset + 6], "big")
        name = data[offset + 6] + 1
        start = offset + 6 + name + name % 2
        size = int.from_bytes(data[start : start + 4], "big")
        if number == RESOURCE:
            read(data[start + 4 : start + 4 + size], collector)
        offset = start + 4 + size + size % 2


def read(data: bytes, collector: Collector) -> None:
    """Add the text records of an IPTC-IIM stream."""
    offset = 0
    while offset + 5 <= len(data) and data[offset] == 0x1C:
        record, dataset = data[offset + 1], data[offset + 2]
        size = int.from_bytes(data[offset + 3 : offset + 5], "big")
        if size & 0x8000:
            collector.problem("iptc: a record of extended length was not read")
            return
        if record == 2 and dataset in RECORDS:
            collector.add("iptc", RECORDS[dataset], decoded(data[offset + 5 : offset + 5 + size]))
        offset += 5 + size
