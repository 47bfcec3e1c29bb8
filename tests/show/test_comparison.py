"""Compared systems in words, tables, pictures and on a page."""

import re

import numpy as np
import pandas as pd
import pytest

from whisq.comparing.compare import figures
from whisq.comparing.systems import Systems
from whisq.show.comparison import Compared, to_html, to_png

HOSTILE = "<script>alert('a waltz')</script>"


def compared(levels, prompts=12, spread=0.3, axes=("omq", "ta")):
    """Systems of which each has its own level in OMQ and none in TA."""
    rng = np.random.default_rng(0)
    rows = [
        (system, HOSTILE if place == 0 else f"tune {place}", level + rng.normal(0, spread),
         3 + rng.normal(0, spread))
        for system, level in levels.items() for place in range(prompts)
    ]  # fmt: skip
    clips = pd.DataFrame(rows, columns=["system", "prompt", "omq", "ta"])
    clips.loc[:, [axis for axis in ("omq", "ta") if axis not in axes]] = np.nan
    return Compared(figures(Systems(clips, "prompt", dict.fromkeys(levels, 0)), 500, 0))


def panel_of(plot):
    """What a plot has drawn: its axes."""
    from matplotlib.figure import Figure

    panel = Figure((plot.width, plot.height)).subplots()
    plot.draw(panel)
    return panel


def test_the_words_follow_the_interval():
    better = compared({"old": 3, "new": 4})
    assert better.said[0].startswith("OMQ, musical quality: new is better than old by")
    assert "can't be told apart" in better.said[1]
    assert (
        compared({"old": 4, "new": 3})
        .said[0]
        .startswith("OMQ, musical quality: old is better than new by")
    )
    assert "5 prompts" in compared({"old": 3, "new": 3}, prompts=5).said[0]
    assert any("can't fall to 0.05" in s for s in compared({"a": 3, "b": 3}, prompts=5).said)


def test_the_first_of_many_is_set_apart_from_those_that_it_can_be_told_from():
    apart = compared({"mid": 3, "low": 1, "top": 5}, spread=0.1).said[0]
    assert "top comes first, apart from all others; 3 of 3 pairs" in apart
    many = compared({"low": 1} | {f"s{place}": 5 for place in range(6)}).said[0]
    assert "and 2 more; 6 of 21 pairs are told apart." in many


def test_what_differs_by_nothing_asks_for_no_more_prompts():
    said = compared({"old": 3, "new": 3}, spread=0).said[0]
    assert "0.00 better to" not in said
    assert "more would tell" not in said


def test_a_dot_a_prompt_stands_where_its_difference_is():
    shown = compared({"old": 3, "new": 3.2})
    found = shown.found["omq"]
    less = np.subtract(found["scores"]["new"], found["scores"]["old"])
    panel = panel_of(shown.plots[0])
    dots = np.concatenate([c.get_offsets() for c in panel.collections if len(c.get_offsets()) > 1])
    assert sorted(dots[:, 0]) == pytest.approx(sorted(less))
    low, high = panel.get_xlim()
    assert low == pytest.approx(-high)
    assert low < min(less.min(), found["differences"][0]["interval"][0])


def test_both_axes_are_drawn_in_one_scale():
    one, other = (panel_of(plot).get_xlim() for plot in compared({"old": 2, "new": 4}).plots)
    assert one == other
    assert one[1] > 2


def test_a_picture_says_which_side_is_whose():
    texts = [text.get_text() for text in panel_of(compared({"old": 3, "new": 3}).plots[0]).texts]
    assert texts == ["← better:\nold", "better: →\nnew"]


def test_a_ranking_is_drawn_best_above_with_its_letters():
    panel = panel_of(compared({"mid": 3, "low": 1, "top": 5}, spread=0.1).plots[0])
    names = [label.get_text().split()[0] for label in panel.get_yticklabels()]
    assert names == ["low", "mid", "top"]
    assert [text.get_text() for text in panel.texts[:3]] == ["c", "b", "a"]


def test_a_page_needs_no_other_file_and_runs_nothing_of_a_prompt():
    page = to_html(compared({"old": 3, "new": 4})).decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert page.count("<svg") == 2


def test_many_pairs_are_on_the_page_and_not_in_the_terminal():
    shown = compared({f"system {place}": 3 for place in range(5)})
    assert len(shown.tables) == 4
    assert len(shown.in_a_terminal) == 2
    few = compared({f"system {place}": 3 for place in range(3)})
    assert few.in_a_terminal == few.tables


def test_one_axis_alone_has_one_picture():
    shown = compared({"old": 3, "new": 4}, axes=("omq",))
    assert [plot.name for plot in shown.plots] == ["difference-omq"]
    assert to_png(shown).startswith(b"\x89PNG")


def test_long_names_leave_the_panel_its_room():
    names = "an-exceedingly-long-name-of-a-checkpoint-at-step-", "100000", "200000"
    shown = compared({names[0] + names[1]: 3, names[0] + names[2]: 4})
    assert all(len(text.get_text()) < 35 for text in panel_of(shown.plots[0]).texts)
