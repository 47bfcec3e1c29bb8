import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from pandas import Series
from PIL import Image

from whisq.show.plot import COLOURS, INK, Plot, beside_names, png


def dots(panel):
    panel.scatter([1, 2], [2, 1], color=COLOURS["omq"])
    panel.set(title="dots", xlabel="seconds")


@pytest.fixture
def plot():
    return Plot("dots", "Two dots.", dots)


def test_one_plot_is_an_element_of_a_page_and_a_picture(plot):
    assert plot.svg.startswith("<svg")
    assert "dots" in re.findall(r"<text[^>]*>([^<]*)<", plot.svg)
    picture = Image.open(io.BytesIO(png([plot], "title")))
    assert picture.format == "PNG"
    assert len(np.unique(np.asarray(picture.convert("L")))) > 2


def test_a_page_gives_it_the_colour_of_its_text(plot):
    assert INK not in plot.svg
    assert "currentColor" in plot.svg


def test_two_plots_share_no_id(plot):
    other = Plot("others", "Two dots.", dots)
    one, two = (set(re.findall(r'\bid="([^"]+)"', p.svg)) for p in (plot, other))
    assert one
    assert not one & two


def test_the_same_plot_is_the_same_bytes(plot):
    assert plot.svg == plot.svg
    assert png([plot, plot], "title") == png([plot, plot], "title")


@pytest.mark.parametrize(("count", "across", "down"), [(1, 1, 1), (2, 2, 1), (3, 2, 2)])
def test_a_sheet_has_as_many_places_as_plots_need(plot, count, across, down):
    width, height = Image.open(io.BytesIO(png([plot] * count, "title", dpi=50))).size
    assert width == pytest.approx(across * plot.width * 50, abs=1)
    assert height == pytest.approx((down * plot.height + 0.4) * 50, abs=1)


def test_a_wide_interval_leaves_the_picture_but_no_value_does():
    values, half = Series([0.1, -0.2, 0.15], ["a", "b", "c"]), np.array([0.02, 0.03, 5.0])
    panel = Figure().subplots()
    beside_names("rows", "Rows.", "ta", values, half, "difference").draw(panel)
    low, high = panel.get_xlim()
    assert low < values.min()
    assert values.max() < high < 1
