from collections import Counter

import numpy as np
import pytest

from whisq.rendered.catalogue import requests
from whisq.rendered.prompts import sentence
from whisq.rendered.requests import CHOICES, reverse


@pytest.fixture(scope="module")
def groups():
    return requests((100, 248), np.random.default_rng(0))


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
    assert [r.order for r, _ in requests((3,), np.random.default_rng(0))[0]] == [""] * 3
