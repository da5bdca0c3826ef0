"""What schemathesis cannot make up: pictures. Without them every submission would be refused for its body alone."""

import base64
import struct
import zlib

import schemathesis
from hypothesis import strategies as st


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, shade):
    """A grey picture in which nothing is written."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([shade]) * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


pictures = st.builds(png, st.integers(8, 200), st.integers(8, 80), st.integers(0, 255))

schemathesis.openapi.media_type("image/*", pictures)
schemathesis.openapi.media_type("application/octet-stream", pictures)
schemathesis.openapi.format("binary", pictures)
schemathesis.openapi.format("byte", pictures.map(lambda picture: base64.b64encode(picture).decode()))
