"""Runs an ONNX file on prepared images: onnxruntime_answers.py MODEL IMAGES ANSWERS, both of raw little-endian float32."""

import sys

import numpy
import onnxruntime


def main() -> None:
    model, images_path, answers_path = sys.argv[1:4]
    images = numpy.fromfile(images_path, dtype="<f4").reshape(-1, 1, 48, 128)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    batches = [
        session.run(["log_probabilities"], {"images": images[start : start + 50]})[0].transpose(1, 0, 2)
        for start in range(0, len(images), 50)
    ]
    numpy.concatenate(batches).astype("<f4").tofile(answers_path)


if __name__ == "__main__":
    main()
