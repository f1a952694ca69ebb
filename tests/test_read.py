"""Lists are read strictly: what could be misread is refused in a sentence that names the list."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import FeedError
from pipeline.feeds import _read
from pipeline.feeds._read import read_json, read_xml

BAD_JSON = {
    b"": "empty",
    b" \n": "empty",
    b"[" * 100_000: "nests deeper",
    b'{"a":' * 100_000: "nests deeper",
    b'{"id": 1, "id": 2}': "'id' stands twice",
    b"[NaN]": "NaN is no number",
    b"[-Infinity]": "Infinity is no number",
    b"[1e999]": "1e999 is no number",
    b"[" + b"9" * 5000 + b"]": "5000 digits",
    b"[0." + b"1" * 5000 + b"]": "is no number",
    b'["\\ud800"]': "half a character",
    b'{"\\udc00": 1}': "half a character",
    "[1]".encode("utf-16"): "not UTF-8",
    '["é"]'.encode("latin-1"): "not UTF-8",
    b"<html>temporarily unavailable</html>": "not valid JSON",
    b'[{"id": 1}, {"id"': "not valid JSON",
    b'"' + b'\\"' * 100_000 + b"\\": "not valid JSON",
    b"[" + b"[]," * 1_000_001 + b"1]": "more than 1000000 parts",
}
BAD_XML = {
    b"": "empty",
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>': "document type",
    b"<!doctype html><html></html>": "not valid XML",
    b"<a><b></a>": "not valid XML",
    b"<a>" * 100 + b"</a>" * 100: "nests deeper",
    b"<a>" + b"<b/>" * 2_000_001 + b"</a>": "more than 1000000 parts",
    "<a/>".encode("utf-16"): "not UTF-8",
    b"<a>&nowhere;</a>": "not valid XML",
    '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode(
        "utf-16-le"
    ): "document type",
}


@pytest.mark.parametrize("content", BAD_JSON, ids=lambda each: repr(each[:20]))
def test_json_that_could_be_misread_is_refused(content):
    with pytest.raises(FeedError, match=r"^made d7: ") as raised:
        read_json(content, "made d7")
    assert BAD_JSON[content] in str(raised.value)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize("content", BAD_XML, ids=lambda each: repr(each[:20]))
def test_xml_that_could_be_misread_is_refused(content):
    with pytest.raises(FeedError, match=r"^made: ") as raised:
        read_xml(content, "made")
    assert BAD_XML[content] in str(raised.value)


def test_a_list_longer_than_any_is_refused(monkeypatch):
    monkeypatch.setattr(_read, "LIMIT_BYTES", 10)
    for read in (read_json, read_xml):
        with pytest.raises(FeedError, match="11 bytes are more than 10"):
            read(b"[1,2,3,4,5]", "made")


def test_a_byte_order_mark_is_passed_over():
    assert read_json(b"\xef\xbb\xbf[1]", "made") == [1]
    assert read_xml(b"\xef\xbb\xbf<a/>", "made").tag == "a"


def test_brackets_and_quotes_inside_text_are_text():
    assert read_json(b'["[[[{{{", "\\\\", "\\"[", "\\ud83d\\ude00"]', "made") == ["[[[{{{", "\\", '"[', "\U0001f600"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=40)
@given(values)
def test_what_can_be_written_is_read_as_it_was(value):
    for ascii_only in (True, False):
        assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode(), "made") == value


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_else_is_a_sentence(content):
    for read in (read_json, read_xml):
        try:
            read(content, "made")
        except FeedError as error:
            assert str(error).startswith("made: ")  # noqa: PT017 - either outcome is right, no other error is
