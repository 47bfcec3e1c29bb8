"""One clip has one score: `tests/benchmarks/roads.py` on small clips, and what it counts."""

import math
from importlib.util import find_spec

import pytest

from whisq.scoring.requests import Request, named

PROMPTS = ["a calm piano waltz", "drums", None]
# MLflow's own imports warn, and so do Ray's.
pytestmark = pytest.mark.filterwarnings("default")


def _requests(clips):
    return named(Request("", clip, PROMPTS[n % 3]) for n, clip in enumerate(clips))


def _check(roads, names, clips, tiny_model):
    requests = _requests(clips[1:])  # the first is too short to have a loudness
    ids = [request.id for request in requests]
    found = roads.compare(ids, roads.travel(requests, tiny_model, names))
    assert found["well"], found
    assert found["roads"].keys() == {"alone", *names}
    assert all(road["rows"] == len(ids) for road in found["roads"].values())


def test_lists_in_any_order_and_side_by_side_give_the_scores_of_each_clip_alone(
    roads, clips, tiny_model
):
    names = ["list", "reversed", "two workers", "encoded together"]
    _check(roads, names, clips, tiny_model)


@pytest.mark.slow
def test_a_server_and_a_cluster_give_the_scores_of_each_clip_alone(roads, clips, tiny_model):
    names = ["http", *(["ray"] if find_spec("ray") else [])]
    _check(roads, names, clips, tiny_model)


ALONE = [{"id": "a", "omq": 3.0, "ta": 2.0}, {"id": "b", "omq": 4.0, "ta": None}]
FAULTS = {
    "a score apart": (
        [ALONE[0], {**ALONE[1], "omq": 4.5}],
        {"largest_difference": {"omq": 0.5, "ta": 0.0}},
    ),
    "the other's scores": (
        [{**ALONE[1], "id": "a"}, {**ALONE[0], "id": "b"}],
        {"largest_difference": {"omq": 1.0, "ta": math.inf}},
    ),
    "a row lost": (ALONE[:1], {"rows": 1, "ids_kept": False}),
    "another order": (ALONE[::-1], {"rows": 2, "ids_kept": False}),
    "a clip that failed": (
        [ALONE[0], {"id": "b", "omq": None, "ta": None}],
        {"without_a_score": ["b"]},
    ),
    "nothing": ([], {"rows": 0, "ids_kept": False}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_road_does_to_rows_is_told(name, roads):
    answers, wanted = FAULTS[name]
    assert roads.compare(["a", "b"], {"alone": ALONE, "http": ALONE})["well"]
    found = roads.compare(["a", "b"], {"alone": ALONE, "http": answers})
    assert not found["well"]
    told = found["roads"]["http"]
    assert told | wanted == told


def test_a_column_that_is_empty_in_a_row_is_named(roads):
    from dataclasses import fields

    from whisq.scoring.rows import Provenance

    filled = {field.name: 1 for field in fields(Provenance)}
    full = [answer | filled for answer in ALONE]
    assert roads.compare(["a", "b"], {"alone": ALONE, "list": full})["well"]
    full[1]["peak_dbfs"] = None
    found = roads.compare(["a", "b"], {"alone": ALONE, "list": full})
    assert found["roads"]["list"]["unfilled"] == ["peak_dbfs"]
    assert not found["well"]
