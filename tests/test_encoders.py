"""Encoders give unit vectors of crops that hold no more detail than 64 pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import encoders, networks
from pipeline.encoders import resnet
from pipeline.errors import FeedNotFoundError

IMAGE = np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8)
BOXES = np.array([[10, 10, 60, 50], [70, 20, 150, 110], [0, 0, 5, 5]], np.float32)


class Flat:
    """Stands in for the network: the mean colour of each crop."""

    def run(self, crops: np.ndarray) -> np.ndarray:
        return crops.mean(axis=(1, 2)).astype(np.float32)


@pytest.fixture
def flat() -> resnet.ResNet:
    return resnet.ResNet(Flat(), "flat@1", dimensions=3)  # type: ignore[arg-type]


def test_vectors_are_of_unit_length_in_half_precision(flat: resnet.ResNet):
    vectors = flat.encode(IMAGE, BOXES)
    assert vectors.dtype == np.float16
    assert np.linalg.norm(vectors.astype(np.float64), axis=1) == pytest.approx(1, abs=2e-3)


def test_the_other_boxes_do_not_change_a_boxes_row(flat: resnet.ResNet):
    assert (flat.encode(IMAGE, BOXES)[1] == flat.encode(IMAGE, BOXES[1:2])[0]).all()


def test_no_boxes_give_no_vectors(flat: resnet.ResNet):
    assert flat.encode(IMAGE, np.zeros((0, 4), np.float32)).shape == (0, 3)


@given(st.tuples(*[st.floats(-50, 250)] * 4))
def test_a_box_over_the_edge_still_cuts_something(corners: tuple[float, ...]):
    assert resnet.stretch(resnet.cut(IMAGE, np.array(corners, np.float32))).shape == (48, 64, 3)


def test_detail_finer_than_64_pixels_is_gone():
    stripes = np.zeros((64, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(resnet.stretch(stripes)) <= 2


@pytest.mark.parametrize("name", encoders.names())
def test_no_encoder_on_the_shelf_sees_what_is_finer_than_64_pixels(name: str):
    encoder = encoders.load(name)
    plain = np.full((96, 256, 3), 128, np.uint8)
    fine, whole = plain.copy(), np.array([[0, 0, 256, 96]], np.float32)
    fine[:, ::2], fine[:, 1::2] = 255, 1
    assert encoder.encode(fine, whole)[0].astype(float) @ encoder.encode(plain, whole)[0].astype(float) > 0.999
    fine[:, :128], fine[:, 128:] = 255, 1
    assert encoder.encode(fine, whole)[0].astype(float) @ encoder.encode(plain, whole)[0].astype(float) < 0.9


def test_the_version_and_size_are_known_without_running_the_network():
    encoder = encoders.load("resnet")
    assert encoder.version.startswith("resnet@")
    assert encoder.dimensions == 96


def test_the_weights_are_small():
    assert networks.parameters(resnet.load().network.weights) < 1_000_000


def test_an_unknown_encoder_is_named_with_those_there_are():
    with pytest.raises(FeedNotFoundError, match="resnet"):
        encoders.load("nothing")
