from dataclasses import asdict, replace

import numpy as np
import pytest

from whisq.rendered.requests import CHOICES, MOODS, change, from_row, reverse


def test_reversing_swaps_the_halves_and_nothing_else(ordered):
    back = reverse(ordered)
    assert (back.first, back.then) == (ordered.then, ordered.first) == ("choir", "piano")
    assert replace(back, instrument="piano", then="choir") == ordered


def test_reversing_twice_changes_nothing(ordered):
    assert reverse(reverse(ordered)) == ordered


def test_what_has_no_order_cannot_be_reversed(whole):
    with pytest.raises(ValueError, match="about order"):
        reverse(whole)


@pytest.mark.parametrize("attribute", CHOICES)
def test_a_change_touches_one_attribute_and_takes_every_other_value(whole, attribute):
    rng = np.random.default_rng(0)
    changed = [change(whole, attribute, rng) for _ in range(200)]
    for one in changed:
        assert replace(one, **{attribute: getattr(whole, attribute)}) == whole
    found = {getattr(one, attribute) for one in changed}
    assert found == set(CHOICES[attribute]) - {getattr(whole, attribute)}


def test_a_change_of_the_first_half_never_makes_both_halves_alike(ordered):
    rng = np.random.default_rng(0)
    assert all(change(ordered, "instrument", rng).first != "choir" for _ in range(200))


def test_a_change_needs_another_value_to_take(ordered):
    both = replace(ordered, order="mode", then="minor")
    with pytest.raises(ValueError, match="mode"):
        change(both, "mode", np.random.default_rng(0))
    with pytest.raises(ValueError, match="colour"):
        change(ordered, "colour", np.random.default_rng(0))


def test_a_mood_binds_tempo_and_mode(whole):
    assert whole.mood == "mournful"
    assert set(whole.judged) == {"kind", "instrument", "tempo", "mode"}


def test_what_changes_half_way_is_not_judged_as_if_it_lasted(ordered):
    assert ordered.judged == ("kind",)


def test_every_tempo_and_mode_make_a_mood_of_their_own():
    assert set(MOODS) == {(tempo, mode) for tempo in CHOICES["tempo"] for mode in CHOICES["mode"]}
    assert len(set(MOODS.values())) == len(MOODS)


def test_a_row_of_the_truth_rebuilds_its_request(whole, ordered):
    for request in (whole, ordered):
        row = {name: str(value) for name, value in asdict(request).items()}
        assert from_row(row | {"held": " ".join(request.held)}) == request
