"""A moment of each of the targets that `python tests/fuzz.py` tries by the hour."""

import pytest


@pytest.mark.parametrize("target", ["decoder", "lists", "answers", "payload"])
def test_inputs_at_random_come_out_whole_or_are_refused(fuzz, target):
    assert fuzz.attempt(target, number=0, examples=40) is None


def test_a_fault_is_told_with_its_place_and_the_input_that_made_it(fuzz, monkeypatch):
    def faulty(row):
        if "prompt" in row:
            raise KeyError("not thought of")

    monkeypatch.setitem(fuzz.TARGETS, "payload", (faulty, fuzz.TARGETS["payload"][1]))
    kind, told = fuzz.attempt("payload", number=0, examples=40)
    assert kind.startswith("KeyError at test_fuzz.py")
    assert "row={" in told
    assert "'prompt': " in told
