"""XML documents, as the plain values that JSON gives. Nothing outside a document is read, and no DOCTYPE is taken."""

import threading
from typing import Any

from lxml import etree

from connector.errors import Problem
from connector.saying import say

# So deep an object or a document may be nested.
DEEPEST = 50
# So many children are a few.
_FEW = 1_000
# Where the values of an element stand that has attributes beside its text; attributes begin with AT.
TEXT, AT = "#text", "@"
_MARK, _SPACE = b"\xef\xbb\xbf", b" \t\r\n"
_LOCAL = threading.local()
_NIL = AT + "{http://www.w3.org/2001/XMLSchema-instance}nil"
_TRUE = ("true", "1")


def begins(body: bytes) -> bool:
    """Whether this is a document by its first character, after a mark and white space."""
    return _bare(body)[:1] == b"<"


def read_xml(body: bytes) -> dict[str, Any]:
    """A document as `{name: content}`, names with their namespace as `{namespace}name`.

    The content of an element is its text; with children, an object of theirs, a list where a name comes more than
    once; with attributes, an object in which they stand as `@name`, and the text as `#text`. `xsi:nil` is None.
    White space and a mark before the declaration, which PHP's templates leave there, are passed over. Raises
    `body_not_xml`, `body_doctype`, `body_too_deep`.
    """
    try:
        root = etree.fromstring(_bare(body), _parser())
    except etree.XMLSyntaxError as problem:
        raise _told(problem, body) from None
    except ValueError:  # an encoding that nobody knows
        raise Problem("body_not_xml", where=say("Its encoding is not known.")) from None
    if root.getroottree().docinfo.doctype:
        raise Problem("body_doctype")
    return {root.tag: _content(root, 1)}


def _parser() -> etree.XMLParser:
    """One for each thread: it costs as much as a small document, and is locked while it reads."""
    found: etree.XMLParser | None = getattr(_LOCAL, "parser", None)
    if found is None:
        found = _LOCAL.parser = etree.XMLParser(
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
    return found


def _bare(body: bytes) -> bytes:
    return body.lstrip(_SPACE).removeprefix(_MARK).lstrip(_SPACE)


def _told(problem: etree.XMLSyntaxError, body: bytes) -> Problem:
    """What is wrong, without a word of what stands there. A DOCTYPE is mostly met before its entities do harm."""
    if b"<!DOCTYPE" in body[:1000]:
        return Problem("body_doctype")
    line, column = problem.position
    return Problem(
        "body_not_xml", where=say("The mistake is in line {line}, column {column}.", line=line, column=column)
    )


def _content(element: Any, depth: int) -> Any:
    many = len(element)
    if not many:
        return _childless(element)
    if depth >= DEEPEST:
        raise Problem("body_too_deep")
    found: dict[str, Any] = {AT + name: value for name, value in element.items()}
    if found and found.get(_NIL) in _TRUE:
        return None
    # A few are taken at once, which is quicker; of many, each is a thing in memory that goes before the next comes.
    for child in element[:] if many <= _FEW else element:
        # Nearly all are plain: no children and no attributes.
        value = _content(child, depth + 1) if len(child) or child.keys() else child.text or ""
        name = child.tag
        if name in found:
            _put(found, name, value)
        else:
            found[name] = value
    return found


def _childless(element: Any) -> Any:
    """The text; beside attributes as one of them, if it says something."""
    found: dict[str, str] = {AT + name: value for name, value in element.items()}
    text = element.text or ""
    if not found:
        return text
    if found.get(_NIL) in _TRUE:
        return None
    if text and not text.isspace():
        found[TEXT] = text
    return found


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    """A name that comes again makes a list. No content is a list by itself."""
    if isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]
