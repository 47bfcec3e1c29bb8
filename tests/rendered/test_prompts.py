import itertools
import re
from dataclasses import replace

import numpy as np
import pytest

from whisq.rendered.prompts import ORDERED, WHOLE, changed, sentence
from whisq.rendered.requests import CHOICES, change, reverse

ASPECTS = ("instrument", "tempo", "dynamics", "kind")


def _ordered_by(ordered, aspect):
    first, then = CHOICES[aspect][0], CHOICES[aspect][-1]
    return replace(ordered, order=aspect, then=then, held=(aspect,), **{aspect: first})


def test_the_words_say_what_is_held_and_nothing_else(whole):
    held = {"kind": "hymn", "instrument": "flute", "mode": "minor key", "mood": "mournful"}
    for count in range(1, 5):
        for names in itertools.combinations(held, count):
            text = sentence(replace(whole, held=names)).lower()
            assert {name for name, word in held.items() if word in text} == set(names)


@pytest.mark.parametrize("template", range(len(ORDERED)))
@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_pair_is_worded_alike_but_for_the_order(ordered, aspect, template):
    for wording in range(3):
        request = replace(_ordered_by(ordered, aspect), template=template, wording=wording)
        one, other = sentence(request).lower(), sentence(reverse(request)).lower()
        assert one != other
        assert sorted(re.findall(r"\w+", one)) == sorted(re.findall(r"\w+", other))


def test_some_templates_name_the_later_half_first(ordered):
    late = [
        text.lower().index("choir") < text.lower().index("piano")
        for text in (
            sentence(replace(ordered, template=template)) for template in range(len(ORDERED))
        )
    ]
    assert 0 < sum(late) < len(ORDERED) / 2


@pytest.mark.parametrize("template", range(len(WHOLE)))
def test_a_sentence_is_whole_whatever_the_attributes(whole, template):
    for kind, instrument in itertools.product(CHOICES["kind"], CHOICES["instrument"]):
        text = sentence(replace(whole, kind=kind, instrument=instrument, template=template))
        assert text[0].isupper()
        assert text.endswith(".")
        assert not re.search(r"[{}]|  |\ba [aeio]|\ban [^aeiou]", text, re.IGNORECASE)


def test_a_changed_attribute_changes_the_words_that_name_it_alone(whole):
    request = replace(whole, held=("kind", "instrument", "tempo", "mode"))
    for attribute in request.judged:
        old, new = sentence(request), changed(request, attribute, np.random.default_rng(1))
        assert new == sentence(change(request, attribute, np.random.default_rng(1)))
        assert new != old
        others = {name for name in request.judged if name != attribute}
        words = {"kind": "hymn", "instrument": "flute", "tempo": "slow", "mode": "minor"}
        assert all(words[name] in new for name in others)


def test_a_mood_follows_its_mode(whole):
    request = replace(whole, held=("mood",))
    assert "mournful" in sentence(request)
    assert "peaceful" in changed(request, "mode", np.random.default_rng(0))
