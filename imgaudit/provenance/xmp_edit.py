"""Changing an XMP packet: set properties and keep the others, or keep a few and drop the others.

A packet that cannot be parsed is not repaired but replaced: what cannot be read cannot be kept in good order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from imgaudit.provenance.xmp import PREFIXES, RDF, parsed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

XMPMETA = "{adobe:ns:meta/}xmpmeta"
ADDRESSES = {prefix: address for address, prefix in PREFIXES.items()}
LANGUAGES = frozenset(("dc:description", "dc:title", "dc:rights"))
"""Properties that the XMP specification wants as alternatives by language."""
HEAD, TAIL = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n', '\n<?xpacket end="w"?>'


def with_properties(packet: str | None, properties: Mapping[str, str | None]) -> str:
    """A packet in which the properties have these values; None takes one out. Names carry their usual prefix."""
    try:
        return _changed(_root(packet), properties)
    except RecursionError:  # a packet of elements within elements within elements
        return _changed(_root(None), properties)


def _changed(root: Element, properties: Mapping[str, str | None]) -> str:
    descriptions = list(root.iter(f"{RDF}Description"))
    for name in properties:
        for description in descriptions:
            _drop(description, _tag(name))
    for name, value in properties.items():
        if value is not None:
            descriptions[0].append(_element(name, value))
    return _written(root)


def with_only(packet: str | None, names: Collection[str]) -> str | None:
    """A packet with these properties of the old one and nothing else; None when none of them is there."""
    kept = values(packet, names)
    return with_properties(None, kept) if kept else None


def values(packet: str | None, names: Collection[str]) -> dict[str, str]:
    """Those of these properties that a packet has; none of one that cannot be read."""
    kept = {}
    tags = {_tag(name): name for name in names}
    old = parsed(packet) if packet else None
    for description in old.iter(f"{RDF}Description") if old is not None else ():
        for tag, value in description.attrib.items():
            if tag in tags:
                kept[tags[tag]] = value
        for child in description:
            if child.tag in tags and (text := _text(child)):
                kept[tags[child.tag]] = text
    return kept


def _root(packet: str | None) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    root = parsed(packet) if packet else None
    if root is None:
        root = Element(XMPMETA)
    rdf = root if root.tag == f"{RDF}RDF" else root.find(f"{RDF}RDF")
    if rdf is None:
        rdf = SubElement(root, f"{RDF}RDF")
    if rdf.find(f"{RDF}Description") is None:
        SubElement(rdf, f"{RDF}Description", {f"{RDF}about": ""})
    return root


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{ADDRESSES[prefix]}}}{local}"


def _drop(description: Element, tag: str) -> None:
    description.attrib.pop(tag, None)
    for child in description.findall(tag):
        description.remove(child)


def _element(name: str, value: str) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    element = Element(_tag(name))
    if name in LANGUAGES:
        item = SubElement(SubElement(element, f"{RDF}Alt"), f"{RDF}li")
        item.set("{http://www.w3.org/XML/1998/namespace}lang", "x-default")
    else:
        item = element
    item.text = printable(value)
    return element


def _text(element: Element) -> str:
    items = [item.text or "" for item in element.iter(f"{RDF}li")]
    return "\n".join(item for item in items if item) or element.text or ""


def printable(text: str) -> str:
    """The text without the control characters that XML 1.0 does not know; line breaks and tabs stay."""
    return "".join(one if one.isprintable() or one in "\n\t" else " " for one in text)


def _written(root: Element) -> str:
    from xml.etree.ElementTree import register_namespace, tostring

    register_namespace("x", "adobe:ns:meta/")
    register_namespace("rdf", RDF.strip("{}"))
    for address, prefix in PREFIXES.items():
        register_namespace(prefix, address)
    return HEAD + tostring(root, encoding="unicode") + TAIL
