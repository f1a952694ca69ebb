"""Compare ways to run the detector on one core, side by side: `python -m benchmarks.networks [FOLDER OF FRAMES]`.

Without a folder the frames are those of the demo city.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"THOROUGHFARE_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}

import cv2
import numpy as np

from pipeline import encoders
from pipeline.detectors import ttfnet

BATCH, ROUNDS = 8, 7


def main(folder: Path) -> None:
    """Print frames a second, the median of rounds that take turns."""
    paths = sorted(folder.rglob("*.jpg"))[: 4 * BATCH]
    images = [np.asarray(cv2.imread(str(path))) for path in paths]
    fitted = np.stack([ttfnet.fit(image) for image in images])
    detector, encoder = ttfnet.load(), encoders.load("resnet")
    boxes = [found.xyxy_px[found.score >= 0.3] for found in detector.detect(images)]

    def whole() -> None:
        read = [np.asarray(cv2.imread(str(path))) for path in paths]
        for image, each in zip(read, detector.detect(read), strict=True):
            encoder.encode(image, each.xyxy_px[each.score >= 0.3])

    ways: dict[str, Callable[[], object]] = {
        "tf.function, batch 8": lambda: detector.network.run(fitted),
        "model.predict, batch 8": predict(detector, fitted),
        "LiteRT (XNNPACK), batch 8": lite(detector, fitted, BATCH),
        "LiteRT (XNNPACK), batch 1": lite(detector, fitted, 1),
        "decode + detect + embed": whole,
        "embed alone": lambda: [encoder.encode(image, box) for image, box in zip(images, boxes, strict=True)],
    }
    print(f"{len(images)} frames, {sum(map(len, boxes))} boxes")
    for name, taken in timed(ways).items():
        print(f"{name:28} {len(images) / taken:7.1f} frames/s", flush=True)


def timed(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median processor seconds of each way; they take turns, so that a busy machine is fair to all."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.process_time()
            way()
            taken[name].append(time.process_time() - began)
    return {name: float(np.median(each)) for name, each in taken.items()}


def keras_model(detector: ttfnet.TTFNet) -> object:
    """Build the folded network in Keras with the same weights."""
    import keras  # noqa: PLC0415

    class Folded:
        def conv(self, name, x, channels, kernel, *, stride=1, relu=True, plus=None):  # noqa: ANN001, ANN202
            x = keras.layers.Conv2D(channels, kernel, stride, "same", name=name)(x)
            x = x if plus is None else keras.layers.Add()([x, plus])
            return keras.layers.ReLU()(x) if relu else x

        def merge(self, high, low):  # noqa: ANN001, ANN202
            high = keras.layers.UpSampling2D(2)(high)
            spare = tuple((0, high.shape[i] - low.shape[i]) for i in (1, 2))
            return keras.layers.Add()([keras.layers.Cropping2D(spare)(high) if any(map(any, spare)) else high, low])

    pixels = keras.Input((ttfnet.FRAME[1], ttfnet.FRAME[0], 3))
    model = keras.Model(pixels, ttfnet.layout(Folded(), pixels))
    for layer in model.layers:
        if f"{layer.name}/kernel" in detector.network.weights:
            layer.set_weights([detector.network.weights[f"{layer.name}/{part}"] for part in ("kernel", "bias")])
    return model


def predict(detector: ttfnet.TTFNet, fitted: np.ndarray) -> Callable[[], object]:
    """Return the way of Keras."""
    model, pixels = keras_model(detector), fitted.astype(np.float32) / 255.0
    return lambda: model.predict(pixels, batch_size=BATCH, verbose=0)


def lite(detector: ttfnet.TTFNet, fitted: np.ndarray, batch: int) -> Callable[[], object]:
    """Return the way of LiteRT on one thread, and print how far its numbers are from TensorFlow's."""
    import tensorflow as tf  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        keras_model(detector).export(folder, verbose=False)
        converted = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    interpreter = tf.lite.Interpreter(model_content=converted, num_threads=1)
    place, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(place, [batch, *fitted.shape[1:]])
    interpreter.allocate_tensors()
    pixels = fitted.astype(np.float32) / 255.0

    def way() -> np.ndarray:
        answers = []
        for i in range(0, len(pixels), batch):
            interpreter.set_tensor(place, pixels[i : i + batch])
            interpreter.invoke()
            answers.append(interpreter.get_tensor(out))
        return np.concatenate(answers)

    print(f"LiteRT, batch {batch}: at most {np.abs(way() - detector.network.run(fitted)).max():.1e} from TensorFlow")
    return way


def render(folder: Path) -> Path:
    """Write the demo city's pictures of one instant and the next, over all its cameras."""
    from datetime import date  # noqa: PLC0415

    from pipeline import scans  # noqa: PLC0415
    from pipeline.feeds import demo  # noqa: PLC0415

    scan = scans.load("demo", scans.bundled())
    window = scan.windows(date(2026, 5, 5))[0]
    for camera in demo.FEED.cameras(scan):
        for slot in demo.FEED.slots(scan, window, camera.native_id)[100:104]:
            jpeg = demo.FEED.picture(scan, camera.native_id, slot).jpeg or b""
            (folder / f"{camera.native_id}-{slot:%H%M%S}.jpg").write_bytes(jpeg)
    return folder


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as rendered:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else render(Path(rendered)))
