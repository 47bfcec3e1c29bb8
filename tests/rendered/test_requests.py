import itertools
import re
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest

from whisq.rendered.repertoire import BANDS, CHOICES, SCORES
from whisq.rendered.requests import (
    Request,
    ask_otherwise,
    change,
    draw,
    from_row,
    reverse,
    reword,
    sentence,
)

ASPECTS = ("instrument", "tempo", "dynamics", "kind")


def _ordered_by(ordered, aspect):
    first, then = CHOICES[aspect][0], CHOICES[aspect][-1]
    return replace(ordered, order=aspect, then=then, held=(aspect,), **{aspect: first})


def test_reversing_swaps_the_halves_and_nothing_else(ordered):
    back = reverse(ordered)
    assert (back.first, back.then) == (ordered.then, ordered.first) == ("choir", "piano")
    assert replace(back, instrument="piano", then="choir") == ordered


def test_reversing_twice_changes_nothing(ordered):
    assert reverse(reverse(ordered)) == ordered


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


def test_other_words_ask_for_the_same(whole, ordered):
    rng = np.random.default_rng(0)
    for request in (whole, ordered):
        worded = [reword(request, rng) for _ in range(200)]
        words = {"template": request.template, "wording": request.wording}
        assert all(replace(one, **words) == request for one in worded)
        assert len({sentence(one) for one in worded}) > 10


def test_the_same_words_ask_for_something_else(whole, ordered):
    rng = np.random.default_rng(0)
    for request in (whole, ordered):
        for other in (ask_otherwise(request, rng) for _ in range(200)):
            assert sentence(other) != sentence(request)
            assert (other.template, other.wording) == (request.template, request.wording)


def test_an_order_is_asked_for_backwards_in_half_of_the_draws(ordered):
    rng = np.random.default_rng(0)
    others = [ask_otherwise(ordered, rng) for _ in range(400)]
    assert 160 < others.count(reverse(ordered)) < 240


def test_a_mood_binds_tempo_and_mode(whole):
    assert whole.mood == "mournful"
    assert set(whole.judged) == {"kind", "instrument", "tempo", "mode"}


def test_what_changes_half_way_is_not_judged_as_if_it_lasted(ordered):
    assert ordered.judged == ("kind",)


def test_every_tempo_and_mode_make_a_mood_of_their_own(whole):
    made = itertools.product(CHOICES["tempo"], CHOICES["mode"])
    moods = [replace(whole, tempo=tempo, mode=mode).mood for tempo, mode in made]
    assert len(set(moods)) == len(moods) == 6


def test_a_row_of_the_truth_rebuilds_its_request(whole, ordered):
    for request in (whole, ordered):
        row = {name: str(value) for name, value in asdict(request).items()}
        assert from_row(row | {"held": " ".join(request.held)}) == request


def test_the_words_say_what_is_held_and_nothing_else(whole):
    held = {"kind": "hymn", "instrument": "flute", "mode": "minor key", "mood": "mournful"}
    for count in range(1, 5):
        for names in itertools.combinations(held, count):
            text = sentence(replace(whole, held=names)).lower()
            assert {name for name, word in held.items() if word in text} == set(names)


@pytest.mark.parametrize("template", range(len(SCORES.ordered)))
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
            sentence(replace(ordered, template=template)) for template in range(len(SCORES.ordered))
        )
    ]
    assert 0 < sum(late) < len(SCORES.ordered) / 2


@pytest.mark.parametrize("template", range(len(SCORES.whole)))
def test_a_sentence_is_whole_whatever_the_attributes(whole, template):
    for kind, instrument in itertools.product(CHOICES["kind"], CHOICES["instrument"]):
        text = sentence(replace(whole, kind=kind, instrument=instrument, template=template))
        assert text[0].isupper()
        assert text.endswith(".")
        assert not re.search(r"[{}]|  |\ba [aeio]|\ban [^aeiou]", text, re.IGNORECASE)


def test_a_changed_attribute_changes_the_words_that_name_it_alone(whole):
    request = replace(whole, held=("kind", "instrument", "tempo", "mode"))
    for attribute in request.judged:
        new = sentence(change(request, attribute, np.random.default_rng(1)))
        assert new != sentence(request)
        others = {name for name in request.judged if name != attribute}
        words = {"kind": "hymn", "instrument": "flute", "tempo": "slow", "mode": "minor"}
        assert all(words[name] in new for name in others)


def test_a_mood_follows_its_mode(whole):
    request = replace(whole, held=("mood",))
    assert "mournful" in sentence(request)
    assert "peaceful" in sentence(change(request, "mode", np.random.default_rng(0)))


@pytest.fixture(scope="module")
def groups():
    return draw((100, 248), np.random.default_rng(0))


def test_half_of_a_group_is_about_order(groups):
    assert [len(group) for group in groups] == [100, 248]
    assert [sum(bool(request.order) for request, _ in group) for group in groups] == [50, 124]


def test_pairs_are_complete_within_their_group_and_differ_in_order_alone(groups):
    for group in groups:
        pairs = {}
        for request, pair in group:
            if pair:
                pairs.setdefault(pair, []).append(request)
        assert all(len(members) == 2 for members in pairs.values())
        assert all(reverse(one) == other for one, other in pairs.values())


def test_no_two_prompts_are_worded_alike(groups):
    texts = [sentence(request) for group in groups for request, _ in group]
    assert len(set(texts)) == len(texts)


def test_no_wording_gives_the_order_away(groups):
    """Within every template, each value is as often first as it is last."""
    for group in groups:
        asked = [request for request, _ in group if request.order]
        firsts = Counter((request.template, request.first) for request in asked)
        thens = Counter((request.template, request.then) for request in asked)
        assert firsts == thens


def test_orders_are_of_many_kinds(groups):
    aspects = Counter(request.order for request, _ in groups[0] if request.order)
    assert set(aspects) == {"instrument", "tempo", "dynamics", "kind"}
    assert aspects["instrument"] == 26
    pairs = {
        frozenset((request.first, request.then))
        for group in groups
        for request, _ in group
        if request.order == "instrument"
    }
    assert len(pairs) > 15


def test_the_prompts_ask_for_every_kind_instrument_tempo_and_mode(groups):
    for name in ("kind", "instrument", "tempo", "mode"):
        found = {getattr(r, name) for group in groups for r, _ in group if name in r.judged}
        assert found == set(CHOICES[name])


def test_a_group_too_small_for_a_pair_has_none():
    assert [r.order for r, _ in draw((3,), np.random.default_rng(0))[0]] == [""] * 3


def test_the_seed_decides_what_is_asked():
    first, same, other = (draw((20,), np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == same != other


@pytest.mark.parametrize("attribute", ["kind", "instrument", "tempo", "mode"])
def test_every_synonym_of_a_value_tells_it_from_the_others(whole, attribute):
    def words(value):
        request = replace(whole, held=(attribute,), **{attribute: value})
        return {sentence(replace(request, wording=wording)) for wording in range(6)}

    known = [words(value) for value in CHOICES[attribute]]
    assert len(set.union(*known)) == sum(len(one) for one in known)


@pytest.fixture(scope="module")
def bands():
    return draw((60, 40), np.random.default_rng(0), bands=1.0)


def test_a_share_of_the_prompts_asks_for_bands(groups, bands):
    def share(drawn):
        return [np.mean([request.band for request, _ in group]) for group in drawn]

    assert share(groups) == [0, 0]
    assert share(bands) == [1, 1]
    assert share(draw((60, 40), np.random.default_rng(0), bands=0.3)) == pytest.approx(
        [0.3, 0.3], abs=0.08
    )


def test_bands_and_others_are_asked_about_every_order():
    (group,) = draw((96,), np.random.default_rng(0), bands=0.5)
    for band in (False, True):
        asked = Counter(request.order for request, _ in group if request.band is band)
        assert set(asked) == {"", *ASPECTS}
    places = [place for place, (request, _) in enumerate(group) if request.band]
    assert 40 < np.mean(places) < 56  # among the others, not behind them


def test_bands_are_asked_for_as_others_are(bands):
    for group in bands:
        pairs = [pair for _, pair in group if pair]
        assert set(Counter(pairs).values()) == {2}
        assert len(pairs) == len(group) // 4 * 2
        assert len({sentence(request) for request, _ in group}) == len(group)


def test_a_band_stays_one_whatever_else_is_asked_for(bands):
    rng = np.random.default_rng(0)
    for request, _ in bands[0]:
        for other in (ask_otherwise(request, rng), reword(request, rng)):
            assert other.band
            assert other.instrument in BANDS.choices["instrument"]
            assert sentence(other)


def test_a_prompt_of_tags_names_all_that_is_held():
    held = ("kind", "tempo", "instrument", "mode")
    request = Request("funk", "strings and piano", "medium", "minor", held=held)
    assert sentence(request) == "funk, 98 BPM, instrumentation: strings, piano, minor key"
    for name, word in zip(held, ("funk", "BPM", "piano", "minor"), strict=True):
        left = tuple(other for other in held if other != name)
        assert word not in sentence(replace(request, held=left))


def test_a_band_is_asked_for_in_sentences_too():
    request = Request("jazz", "sax quartet", "slow", "major", held=("kind", "instrument"))
    assert sentence(replace(request, template=4)) == (
        "A jazz piece for saxophone with piano, bass and drums."
    )
    order = replace(request, held=("order",), order="kind", then="techno", template=1)
    assert "opens with a jazz piece and continues with a techno track" in sentence(order)


@pytest.mark.parametrize("band", [False, True])
def test_no_sentence_is_left_unfinished(band):
    for group in draw((200,), np.random.default_rng(1), bands=float(band)):
        for request, _ in group:
            assert not re.search(r"[{}]|  |\ba [aeio]|\ban [^aeiou]", sentence(request))
