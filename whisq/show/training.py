"""How training went, epoch by epoch."""

from __future__ import annotations

from typing import Any

from pandas import DataFrame

from whisq.evaluation.metrics import AXES
from whisq.show.plot import COLOURS, FAINT, INK, NAMES, Plot


def curves(epochs: DataFrame, best: dict[str, Any] | None) -> list[Plot]:
    """Return plots of how dev agreement and the training loss moved, a row of `epochs` an epoch.

    `best` is metrics/train.json, whose `best_epoch_<branch>` say which epochs were kept.
    """
    kept = sorted({best[key] for key in best or {} if key.startswith("best_epoch_")})
    dev = {f"dev_{axis}_utt_srcc": (NAMES[axis], COLOURS[axis]) for axis in AXES}
    terms = {"loss": INK, "mse": COLOURS["omq"], "ot": COLOURS["ta"]}
    train = {f"train_{term}": (term, colour) for term, colour in terms.items()}
    return [
        _curves(epochs, dev, kept, "dev-srcc", "utterance SRCC on dev"),
        _curves(epochs, train, kept, "train-loss", "loss on the training clips"),
    ]


def _curves(
    epochs: DataFrame, lines: dict[str, tuple[str, str]], kept: list[int], name: str, what: str
) -> Plot:
    def draw(panel: Any) -> None:
        for column, (label, colour) in lines.items():
            if column in epochs:
                panel.plot(epochs["epoch"], epochs[column], color=colour, label=label)
        for epoch in kept:
            panel.axvline(epoch, color=FAINT, linestyle=":", label=f"kept: epoch {epoch}")
        panel.set(xlabel="epoch", ylabel=what)
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend(fontsize=8)

    return Plot(name, f"Epoch by epoch: {what}.", draw)
