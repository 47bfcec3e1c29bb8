"""A run of the whole pipeline says what it made, in few lines, and warns of nothing."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def said(paper_run):
    """What `make paper` prints of its stages, without blank lines and what an experiment adds.

    At the first of a new project DVC warns of every output that it has never seen.
    """
    lines = (paper_run.parent / "paper.log").read_text().partition("Running stage")[2].splitlines()
    added = ("WARNING: No file hash info found for", "Ran experiment", "Experiment results have")
    return [line for line in lines if line.strip() and not line.startswith(added)]


def test_all_of_it_is_forty_lines_at_most(said):
    assert len(said) <= 40, "\n".join(said)


def test_none_of_them_is_a_warning_or_a_library_s(said):
    for word in ("warn", " INFO ", "it/s]", "Registered model", "Traceback"):
        assert not [line for line in said if word.lower() in line.lower()]


def test_each_stage_says_where_its_outputs_are_and_how_long_it_took(said):
    ends = [line for line in said if line.endswith((" s)", " min)"))]
    places = ["data/raw", "metrics/corpus.json", "data/embeddings/audio", "data/embeddings/text"]
    places += ["data/model", "metrics/evaluate.json", "metrics/unseen.json", "metrics/report.html"]
    for place in places:
        assert any(place in line for line in ends), place
    assert len(ends) == len(places)


def test_training_tells_its_epochs(said):
    assert any(line.startswith("epoch 2 of at most 2: loss ") for line in said)
