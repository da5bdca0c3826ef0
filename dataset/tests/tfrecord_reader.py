"""Reads, or writes, a TFRecord file with a library that is not ours: tfrecord_reader.py read|write FILE [FOLDER]."""

import json
import struct
import sys

import crc32c
import tfrecord


def checked(path: str) -> None:
    """Checksums, which the library leaves unread: TensorFlow's masked CRC-32C by an independent implementation."""

    def masked(data: bytes) -> int:
        crc = crc32c.crc32c(data)
        return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    with open(path, "rb") as file:
        while head := file.read(12):
            length, checksum = struct.unpack("<QI", head)
            assert masked(head[:8]) == checksum, "length"
            data = file.read(length)
            assert masked(data) == struct.unpack("<I", file.read(4))[0], "data"


def read(path: str) -> None:
    checked(path)
    description = {
        "image/encoded": "byte",
        "image/text": "byte",
        "image/format": "byte",
        "image/filename": "byte",
        "image/width": "int",
        "image/height": "int",
        "label": "int",
    }
    for example in tfrecord.tfrecord_loader(path, None, description):
        texts = {name: bytes(example[f"image/{name}"]).decode() for name in ["text", "format", "filename"]}
        sides = [int(example["image/width"][0]), int(example["image/height"][0])]
        encoded = bytes(example["image/encoded"])
        print(json.dumps({**texts, "sides": sides, "label": example["label"].tolist(), "encoded": encoded.hex()}))


def write(path: str, pictures: list[str]) -> None:
    writer = tfrecord.TFRecordWriter(path)
    for picture in pictures:
        with open(picture, "rb") as file:
            data = file.read()
        writer.write({"image/encoded": (data, "byte"), "image/text": (b"fromPython", "byte"), "weight": (0.5, "float")})
    writer.close()


if __name__ == "__main__":
    if sys.argv[1] == "read":
        read(sys.argv[2])
    else:
        write(sys.argv[2], sys.argv[3:])
