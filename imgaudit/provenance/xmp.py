"""The properties of an XMP packet.

XML is parsed without DTD, entities or external references. Names are given with the prefix that the namespace usually
has, whatever prefix the file uses: `Iptc4xmpExt:DigitalSourceType`.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgaudit.provenance.container import FIELD_LIMIT, Collector, decoded

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PREFIXES = {
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/xmp/note/": "xmpNote",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://www.tc260.org.cn/ns/AIGC/1.0/": "TC260",
    "http://cipa.jp/exif/1.0/": "exifEX",
}
START, END = "<x:xmpmeta", "</x:xmpmeta>"


def read(packet: bytes, collector: Collector) -> None:
    """Add the packet as `xmp.packet`, and each property of a namespace in `PREFIXES` as a field of its own."""
    if len(packet) > FIELD_LIMIT:
        collector.problem(f"xmp: a packet of {len(packet)} bytes is over the limit and was not read")
        return
    text = packet_text(packet)
    root = parsed(text)
    if root is None:
        collector.problem("xmp: the packet is not well-formed XML, or it brings a DTD")
        return
    collector.add("xmp", "packet", text)
    for name, value in _properties(root):
        collector.add("xmp", name, value)


def scan(data: bytes, collector: Collector) -> None:
    """Read a packet that lies somewhere in a file whose format has no reader of its own."""
    start = data.find(START.encode())
    end = data.find(END.encode(), start)
    if start >= 0 and 0 < end - start <= FIELD_LIMIT:
        read(data[start : end + len(END)], collector)


def packet_text(packet: bytes) -> str:
    """The text of a packet, which may be UTF-16 of either byte order, with or without a byte order mark."""
    if packet[:2] in (b"\xfe\xff", b"\0<"):
        text = packet.decode("utf-16-be", "replace")
    elif packet[:2] in (b"\xff\xfe", b"<\0"):
        text = packet.decode("utf-16-le", "replace")
    else:
        text = decoded(packet)
    return text.strip("\ufeff\0 \r\n\t")


def parsed(text: str) -> Element | None:
    """The root of a packet; None when it is not well-formed or brings a DTD."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    start, end = text.find(START), text.rfind(END)
    bare = text[start : end + len(END)] if 0 <= start < end else text
    for candidate in (text, bare):
        try:
            root: Element = fromstring(candidate, forbid_dtd=True)
        except DefusedXmlException:
            return None
        except (ParseError, ValueError):
            continue
        return root
    return None


def _properties(root: Element) -> Iterator[tuple[str, str]]:
    for description in root.iter(f"{RDF}Description"):
        for tag, value in description.attrib.items():
            if name := _name(tag):
                yield name, html.unescape(value) if name == "TC260:AIGC" else value
        for child in description:
            name, text = _name(child.tag), _text(child)
            if name and text:
                yield name, html.unescape(text) if name == "TC260:AIGC" else text


def _name(tag: str) -> str | None:
    namespace, _, local = tag[1:].partition("}")
    prefix = PREFIXES.get(namespace)
    return f"{prefix}:{local}" if prefix else None


def _text(element: Element) -> str:
    items = [item.text or "" for item in element.iter(f"{RDF}li")]
    return "\n".join(item for item in items if item) or element.get(f"{RDF}resource") or element.text or ""
