"""MLflow's own pages, in a browser: what `make ui` opens answers at a glance."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from whisq import tracking
from whisq.serving.publish import NAME, describe
from whisq.show import outcome

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
WIDTH, HEIGHT, PATIENCE = 1400, 900, 180  # seconds
TA = {0.0: 0.4125, 0.3: 0.5375, 0.05: 0.475}  # by ot_weight


@pytest.fixture
def browser(make_browser):
    with make_browser(f"window-size={WIDTH},{HEIGHT}") as driver:
        yield driver


@pytest.fixture
def logged(store, run):
    """A store with a run a weight; the last has registered a model and was judged."""
    from mlflow import MlflowClient

    result = json.loads((run / "metrics/evaluate.json").read_text())
    for weight, ta in TA.items():
        about = tracking.About("toy corpus", "official", "default", {"loss.ot_weight": weight}, {})
        with tracking.training_run({"loss.ot_weight": weight, "seed": 0}, about) as made:
            made.metrics({"test/utt/ta/srcc": ta, "test/utt/omq/srcc": 0.75, "train_loss": 0.1})
    client = MlflowClient()
    if not client.search_registered_models(f"name = '{NAME}'"):  # the store is the module's
        client.create_registered_model(NAME)
    client.create_model_version(NAME, str(store), made.id)
    describe(made.id, " ".join(outcome.figures(result)))
    return result


@pytest.fixture
def server(logged, store):
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        port = end.getsockname()[1]
    words = ["mlflow", "ui", "--backend-store-uri", f"sqlite:///{store}/mlflow.db"]
    with (store / "ui.log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", *words, "--port", str(port), "--workers", "1"],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    yield f"http://127.0.0.1:{port}/"
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def seen(browser, text):
    """Where a text stands in the window, once the page shows it: left, top, right, bottom."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    places = (By.XPATH, f"//body//*[not(self::script)][contains(text(), '{text}')]")
    WebDriverWait(browser, PATIENCE).until(lambda page: page.find_elements(*places))
    box = browser.find_elements(*places)[0].rect
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def opened(browser, address):
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    def comes(page):
        page.get(address)
        return True

    WebDriverWait(browser, PATIENCE, ignored_exceptions=[WebDriverException]).until(comes)


def test_the_link_shows_the_best_ta_first_with_its_weight_and_all_in_the_window(server, browser):
    opened(browser, server + tracking.view())
    order = sorted(TA, key=TA.get, reverse=True)
    tops = []
    for weight in order:
        left, top, right, bottom = seen(browser, f"{TA[weight]}")
        assert left >= 0
        assert right <= WIDTH
        assert bottom <= HEIGHT
        tops.append(top)
    assert tops == sorted(tops)
    for head in ("test/utt/ta/srcc", "test/utt/omq/srcc", "loss.ot_weight"):
        assert seen(browser, head)[2] <= WIDTH
    best = seen(browser, f"{TA[order[0]]}")
    weight = seen(browser, f"{order[0]}")
    assert best[3] > tops[0]
    assert weight[2] <= WIDTH


def test_a_versions_page_says_its_test_srcc_of_both_axes(server, browser, logged):
    opened(browser, f"{server}?{tracking.MODE}#/models/{NAME}/versions/1?{tracking.MODE}")
    head, *axes = outcome.figures(logged)
    assert "test" in head
    assert [line.split()[0] for line in axes] == ["OMQ", "TA"]
    for line in axes:
        assert seen(browser, line.split(" (")[0].split()[-1])[3] <= HEIGHT
