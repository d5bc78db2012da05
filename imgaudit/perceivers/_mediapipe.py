"""The networks of the mediapipe wheel, run one by one.

mediapipe's ready-made solutions drop what an audit needs (the presence score, all but one body, candidates below a
threshold) and carry state from picture to picture. Here every network is a graph of four nodes (image to tensor,
inference, split, floats) without state, so the same pixels always give the same numbers, in any order.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from imgaudit.digest import digest_file
from imgaudit.errors import ModelUnavailable
from imgaudit.perceivers._views import (
    Detection,
    Floats,
    Halves,
    Image8,
    Square,
    anchor_centres,
    blended,
    decoded,
    placed,
)

REMEDY = (
    "Install mediapipe 0.10.14 on Python 3.11 or 3.12 (pip install 'mediapipe>=0.10.14,<0.10.30'); "
    "later releases carry no models"
)


@dataclass(frozen=True, slots=True)
class Model:
    """A network of the wheel: its file below `mediapipe/modules`, input side, and range of pixel values.

    `outputs` are the tensors that are read, in the order of the file.
    """

    file: str
    size: int
    low: float
    outputs: tuple[int, ...]


PALM = Model("palm_detection/palm_detection_full.tflite", 192, 0.0, (0, 1))
HAND_FULL = Model("hand_landmark/hand_landmark_full.tflite", 224, 0.0, (0, 1, 2, 3))
HAND_LITE = Model("hand_landmark/hand_landmark_lite.tflite", 224, 0.0, (0, 1, 2, 3))
FACE_NEAR = Model("face_detection/face_detection_short_range.tflite", 128, -1.0, (0, 1))
FACE_FAR = Model("face_detection/face_detection_full_range_sparse.tflite", 192, -1.0, (0, 1))
FACE_MESH = Model("face_landmark/face_landmark.tflite", 192, 0.0, (0, 1))
IRIS = Model("iris_landmark/iris_landmark.tflite", 64, 0.0, (1,))
BODY = Model("pose_detection/pose_detection.tflite", 224, -1.0, (0, 1))
POSE = Model("pose_landmark/pose_landmark_full.tflite", 256, 0.0, (0, 1, 4))
MODELS = (PALM, HAND_FULL, HAND_LITE, FACE_NEAR, FACE_FAR, FACE_MESH, IRIS, BODY, POSE)

_GRAPH = """
input_stream: "image"
{declared}
node {{
  calculator: "ImageToTensorCalculator" input_stream: "IMAGE:image" output_stream: "TENSORS:input"
  options {{ [mediapipe.ImageToTensorCalculatorOptions.ext] {{
    output_tensor_width: {size} output_tensor_height: {size}
    output_tensor_float_range {{ min: {low} max: 1.0 }}
  }} }}
}}
node {{
  calculator: "InferenceCalculator" input_stream: "TENSORS:input" output_stream: "TENSORS:output"
  options {{ [mediapipe.InferenceCalculatorOptions.ext] {{
    model_path: "mediapipe/modules/{file}" delegate {{ xnnpack {{ num_threads: 1 }} }}
  }} }}
}}
node {{
  calculator: "SplitTensorVectorCalculator" input_stream: "output" {split}
  options {{ [mediapipe.SplitVectorCalculatorOptions.ext] {{ {ranges} }} }}
}}
{floats}
"""


def modules_folder() -> Path:
    """Where the wheel keeps its models; `ModelUnavailable` where there is no such wheel."""
    spec = find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable("mediapipe is not installed", REMEDY)
    folder = Path(next(iter(spec.submodule_search_locations))) / "modules"
    missing = [model.file for model in MODELS if not (folder / model.file).is_file()]
    if missing:
        raise ModelUnavailable(f"the installed mediapipe does not carry {missing[0]}", REMEDY)
    return folder


def identity() -> dict[str, str]:
    """Version of mediapipe and OpenCV, and the digest of every network."""
    from importlib.metadata import version

    import cv2

    folder = modules_folder()
    weights = {Path(model.file).stem: digest_file(folder / model.file) for model in MODELS}
    return {"mediapipe": version("mediapipe"), "opencv": str(cv2.__version__), **weights}


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing that native code writes to standard error gets out: it logs before logging can be configured."""
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(sink)
        os.close(kept)


class Network:
    """One network of the wheel. Not for use by two threads at once."""

    def __init__(self, model: Model) -> None:
        modules_folder()
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._start(model)
            self._stamp = 0
            self.size = model.size
            self(np.zeros((model.size, model.size, 3), np.uint8))

    def _start(self, model: Model) -> None:
        try:
            import mediapipe  # noqa: F401 - fills the registry of calculators
            from google.protobuf import text_format  # type: ignore[import-untyped]
            from mediapipe.calculators.core import split_vector_calculator_pb2  # noqa: F401 - names its options
            from mediapipe.calculators.tensor import (
                image_to_tensor_calculator_pb2,  # noqa: F401
                inference_calculator_pb2,  # noqa: F401
            )
            from mediapipe.framework import calculator_pb2
            from mediapipe.python import packet_creator, packet_getter
            from mediapipe.python._framework_bindings import calculator_graph, image_frame, resource_util
        except ImportError as error:
            raise ModelUnavailable(f"mediapipe cannot be imported ({error})", REMEDY) from error
        resource_util.set_resource_dir(str(modules_folder().parent.parent))
        config = text_format.Parse(_graph_text(model), calculator_pb2.CalculatorGraphConfig())
        self._graph = calculator_graph.CalculatorGraph(graph_config=config)
        self._names = [f"f{i}" for i in range(len(model.outputs))]
        self._heard: dict[str, Any] = {}
        for name in self._names:
            self._graph.observe_output_stream(name, self._hear)
        self._graph.start_run({})
        self._read = packet_getter.get_float_list
        self._frame = packet_creator.create_image_frame
        self._format = image_frame.ImageFormat.SRGB

    def _hear(self, name: str, packet: Any) -> None:
        self._heard[name] = self._read(packet)

    def __call__(self, rgb: Image8) -> list[Floats]:
        """The tensors, flat, for one picture of the network's size."""
        self._stamp += 1
        self._heard.clear()
        packet = self._frame(image_format=self._format, data=np.ascontiguousarray(rgb))
        self._graph.add_packet_to_input_stream("image", packet.at(self._stamp))
        self._graph.wait_until_idle()
        return [np.asarray(self._heard[name], np.float64) for name in self._names]


def _graph_text(model: Model) -> str:
    streams = range(len(model.outputs))
    return _GRAPH.format(
        declared=" ".join(f'output_stream: "f{i}"' for i in streams),
        size=model.size,
        low=model.low,
        file=model.file,
        split=" ".join(f'output_stream: "t{i}"' for i in streams),
        ranges=" ".join(f"ranges: {{ begin: {tensor} end: {tensor + 1} }}" for tensor in model.outputs),
        floats="\n".join(
            'node { calculator: "TensorsToFloatsCalculator" '
            f'input_stream: "TENSORS:t{i}" output_stream: "FLOATS:f{i}" }}'
            for i in streams
        ),
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """How a detector lays its anchors: the strides of its layers, and the anchors of a cell and layer."""

    strides: tuple[int, ...]
    per_cell: int


GRIDS = {
    PALM.file: Grid((8, 16, 16, 16), 2),
    FACE_NEAR.file: Grid((8, 16, 16, 16), 2),
    FACE_FAR.file: Grid((4,), 1),
    BODY.file: Grid((8, 16, 32, 32, 32), 2),
}


class Detector:
    """A single-shot detector of the wheel, asked about upright squares of a picture."""

    def __init__(self, model: Model, threshold: float) -> None:
        self._network = Network(model)
        grid = GRIDS[model.file]
        self._anchors = anchor_centres(model.size, grid.strides, grid.per_cell)
        self._threshold = threshold

    def __call__(self, halves: Halves, square: Square) -> list[Detection]:
        """Detections in picture pixels, best first; boxes that overlap by more than 0.3 are blended."""
        size = self._network.size
        raw, logits = self._network(halves.look(square, size, replicate=False))
        found = decoded(raw.reshape(len(logits), -1), logits, self._anchors, size, self._threshold)
        return [placed(d, square) for d in blended(found, 0.3)]
