"""Draw the README's pictures: the report, MLflow's runs as a person would find them, a comparison.

    python docs/pictures.py                         # of this folder's run and store
    python docs/pictures.py compare SCORES...       # docs/compare.png, which needs neither

Opens metrics/report.html, and MLflow's UI on the project's own store, in a headless browser
(apt-get install chromium chromium-driver) and writes docs/report.png, docs/mlflow-runs.png and
docs/mlflow-compare.png. docs/compare.png is what `whisq compare` draws of SCORES..., its arguments.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.ui import WebDriverWait

from whisq import mlflow_store, tracking

FOLDER = Path(__file__).parent
PARAM, METRIC = "loss.ot_weight", "test/utt/ta/srcc"
WIDTH, HEIGHT = 1280, 640
HOST, PATIENCE = "127.0.0.1", 120  # seconds


def main() -> None:
    """Draw the pictures of the run, or the comparison alone."""
    if sys.argv[1:2] == ["compare"]:
        compared(sys.argv[2:])
        return
    experiment = mlflow_store.connect(tracking.MODELS)
    pair = latest_pair(experiment)
    with ui() as address, browser() as driver:
        driver.get((FOLDER.parent / "metrics" / "report.html").as_uri())
        save(driver, "report")
        runs(driver, address)
        save(driver, "mlflow-runs")
        compare(driver, address, pair)
        save(driver, "mlflow-compare")


def compared(words: list[str]) -> None:
    """Draw a comparison.

    Args:
        words: Arguments of `whisq compare`.
    """
    picture = FOLDER / "compare.png"
    whisq = [Path(sys.executable).with_name("whisq"), "compare"]
    subprocess.run([*whisq, *words, "-o", picture], check=True)
    keep(Image.open(picture).convert("RGB"), "compare")


def latest_pair(experiment: str) -> tuple[Run, Run]:
    """Choose two finished runs that differ in PARAM.

    Args:
        experiment: Where they are.

    Returns:
        The latest run and the latest before it with another value.

    Raises:
        ValueError: There is no such pair.
    """
    found = MlflowClient().search_runs(
        [experiment], "status = 'FINISHED'", order_by=["start_time DESC"]
    )
    judged = [run for run in found if METRIC in run.data.metrics]
    values = [run.data.params.get(PARAM) for run in judged]
    for run, value in zip(judged, values, strict=True):
        if value != values[0]:
            return judged[0], run
    raise ValueError(
        f"two judged runs must differ in {PARAM}; there are {len(judged)} with {set(values)}. "
        f"Make another: dvc exp run -S {PARAM}=0"
    )


def runs(driver: Chrome, address: str) -> None:
    """Show the runs as the link of `make ui` does.

    Args:
        driver: The browser.
        address: The UI's.
    """
    driver.get(address + tracking.view())
    see(driver, "//button[@aria-label='Close']").click()  # the assistant
    see(driver, f"//*[@role = 'columnheader'][contains(., '{METRIC}')]")


def compare(driver: Chrome, address: str, chosen: tuple[Run, Run]) -> None:
    """Show runs side by side, with the parameters that differ.

    Args:
        driver: The browser.
        address: The UI's.
        chosen: The runs, of one experiment.

    Raises:
        ValueError: The page does not show the runs' values of PARAM.
    """
    ids = quote(json.dumps([run.info.run_id for run in chosen]))
    driver.get("about:blank")  # another fragment alone would not load the page anew
    experiments = quote(json.dumps([chosen[0].info.experiment_id]))
    page = f"{address}?{tracking.MODE}#/compare-runs?{tracking.MODE}&"
    driver.get(f"{page}runs={ids}&experiments={experiments}")
    for name in ("Visualizations", "Run details"):
        see(driver, f"//*[text() = '{name}']").click()
    see(driver, "//*[text() = 'Show diff only']").click()
    row = see(driver, f"//tr[contains(., '{PARAM}')]").text
    if not all(run.data.params[PARAM] in row for run in chosen):
        raise ValueError(f"the page must show {PARAM} of both runs, it shows {row!r}")


def save(driver: Chrome, name: str) -> None:
    """Keep what the browser shows, in few colours.

    Args:
        driver: The browser.
        name: The picture's, without .png.
    """
    time.sleep(3)  # until what moves has come to rest
    keep(Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB"), name)


def keep(picture: Image.Image, name: str) -> None:
    """Write a picture in few colours.

    Args:
        picture: What to write.
        name: The picture's, without .png.
    """
    path = FOLDER / f"{name}.png"
    picture.quantize(128).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


@contextmanager
def ui() -> Iterator[str]:
    """Start MLflow's UI on a free port, as a person would.

    Yields:
        Its address.
    """
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    # In a session of its own: MLflow's workers outlive the make that started them.
    server = subprocess.Popen(
        ["make", "ui", f"PORT={port}"],
        cwd=FOLDER.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with socket.socket() as caller:
            WebDriverWait(caller, PATIENCE).until(lambda _: not caller.connect_ex((HOST, port)))
        yield f"http://{HOST}:{port}/"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextmanager
def browser() -> Iterator[Chrome]:
    """Open a headless browser.

    Yields:
        Its driver.
    """
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for word in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
        options.add_argument(f"--{word}")
    options.add_argument(f"--window-size={WIDTH},{HEIGHT}")
    driver = Chrome(options, ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def see(driver: Chrome, path: str) -> WebElement:
    """Wait for an element that can be clicked.

    Args:
        driver: The browser.
        path: XPath.

    Returns:
        The element.
    """
    return WebDriverWait(driver, PATIENCE).until(element_to_be_clickable((By.XPATH, path)))


if __name__ == "__main__":
    main()
