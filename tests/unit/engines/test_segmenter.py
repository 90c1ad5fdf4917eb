"""From a name to a segmenter."""

import numpy as np
import pytest

from gpu_workers.engines import classical_segmenter
from gpu_workers.engines.segmenter import segmenter_named
from gpu_workers.errors import OrderInvalid


@pytest.mark.parametrize(
    "environ", [{}, {"PACKSHOT_SEGMENTER": ""}, {"PACKSHOT_SEGMENTER": "auto"}]
)
def test_auto_is_the_classical_segmenter_where_nothing_is_set(environ):
    assert segmenter_named("auto", environ).version == classical_segmenter.VERSION


def test_auto_is_what_the_operator_set_and_nothing_in_its_place():
    with pytest.raises(OrderInvalid, match="teapot"):
        segmenter_named("auto", {"PACKSHOT_SEGMENTER": "teapot"})


def test_classical_is_classical_whatever_the_operator_set():
    chosen = segmenter_named("classical", {"PACKSHOT_SEGMENTER": "teapot"})

    assert chosen.version == classical_segmenter.VERSION


def test_the_classical_segmenter_cuts_out_as_its_engine_does():
    photo = np.full((96, 96, 3), 240, np.uint8)
    photo[24:80, 30:70] = (150, 30, 40)

    cutout = segmenter_named("classical").segment(photo)

    np.testing.assert_array_equal(cutout.matte, classical_segmenter.segment(photo).matte)
