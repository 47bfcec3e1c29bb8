"""The paper's configuration, choice by choice: what is published, what is read into it, what else.

Source: arXiv 2506.05899, of which the abstract, the index terms and figure 1's caption could be
read; what stands in quotation marks is from these. The values are never written here: they come
from params.yaml, as they run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pandas import DataFrame, Series

from whisq.show.ablations import LESS
from whisq.show.paper_table import markdown
from whisq.show.table import Table, verbatim

NOTHING = "nothing"
# They pin the models that are named, or say that there is no other.
HIDDEN = ("embed_audio.revision", "embed_audio.beside", "embed_text.revision")
TA = ("ta",)
PROTOCOL = "systems_and_prompts"  # whose trainings say what a choice is worth, where there are any
INTRODUCTION = """\
# The paper's configuration

WhisQ ([arXiv 2506.05899](https://arxiv.org/abs/2506.05899)) is read as plainly as it can be: what
it does not name is left out; what must stand takes its plainest form; where only a number is
missing, it is ours. `make paper` runs `recipes.paper` of `params.yaml`, and this page is made from
the same values (`make readme`). Of the paper, the abstract, the index terms and the caption of
figure 1 could be read."""
LEGEND = """\
*Ours* marks numbers that nobody published and that the recipe leaves as they are in `params.yaml`.
What the default's choice is worth is its SRCC on test less that of the paper's reading, by clip,
of systems and prompts that were held out, with a 95% interval over trainings ({corpus};
`metrics/ablations.csv`), where a variant changes that choice and nothing else; for the window of
the official split, by the default before contrast (`metrics/benchmarks/windows.json`). OMQ does not
depend on what only TA is read from. Frozen encoders and the best epoch on dev are our reading too,
but nothing in `params.yaml` chooses otherwise."""
BELOW = """\
± is half of Student's 95% interval over trainings. A difference is paired by seed and split, in
bold where it is clear of zero; its percentage is of the other's mean. Floors and ridge were fitted
on the same training clips. `make paper-table` measures all of it again, on what `params.yaml` names
(`metrics/paper_table.csv`)."""


class Choice(NamedTuple):
    """One thing that a reader of the paper has to decide.

    Attributes:
        title: What is decided.
        says: What the paper says of it.
        decided: The values that decide it, by dotted name, with spaces between them.
        why: What makes the reading the plainest.
        axes: Which ratings it moves, and so which differences tell what it is worth.
    """

    title: str
    says: str
    decided: str
    why: str
    axes: tuple[str, ...] = ("omq", "ta")

    @property
    def fields(self) -> list[str]:
        """The values that decide it, by dotted name."""
        return self.decided.split()


CHOICES = (
    Choice("Data", "“the MusicEval Track-1 dataset”", "corpus.name split.protocol",
           "its own split; on which part the gains were measured is not stated", ()),
    Choice("Audio encoder", "“the Whisper-Base pretrained model for temporal audio encoding”",
           "embed_audio.model embed_audio.revision embed_audio.beside",
           "the published weights, pinned"),
    Choice("Window", NOTHING, "embed_audio.window", "Whisper is given 30 s, padded with silence"),
    Choice("Frames", "“maintaining sequence structure”", "embed_audio.pool model.audio_pool",
           "every 20 ms frame of the clip"),
    Choice("Which layer", NOTHING, "embed_audio.layers model.audio_layer model.quality_layers",
           "an encoder's output is its last layer, for both ratings"),
    Choice("Text encoder",
           "“Qwen-3, a 0.6B Small Language Model”, “maintaining sequence structure”",
           "embed_text.model embed_text.revision model.text_sequence",
           "the published weights, pinned; every token"),
    Choice("Which layer, which words", NOTHING, "embed_text.layer embed_text.template",
           "the last hidden states of the bare prompt"),
    Choice("Scaling of audio states", NOTHING, "model.audio_scaling", "not named"),
    Choice("Scaling of token states", NOTHING, "model.text_scaling", "not named", TA),
    Choice("Shared space", "“the shared embedding space”", "model.architecture model.width",
           "a linear map and a layer norm a side"),
    Choice("What OMQ is read from", "“pooled audio embeddings”", "model.quality_projection",
           "the one embedding space that is named, which transport shapes", ("omq",)),
    Choice("Pooling", "OMQ: “pooled”; TA: nothing",
           "model.quality_pooling model.alignment_pooling",
           "the mean of the real frames and of the real tokens"),
    Choice("Co-attention", "“bidirectional sequence co-attention between audio and text”",
           "model.coattention model.layers model.heads",
           "one layer; attention as commonly built, added to what asks", TA),
    Choice("Positions", NOTHING, "model.positions", "both encoders' states carry their own", TA),
    Choice("What the TA head sees", "“co-attention merges the embeddings”",
           "model.interaction model.bilinear model.segments",
           "the two pooled sequences side by side", TA),
    Choice("Heads", "“two lightweight MLP heads”", "model.bins model.hidden model.ridge",
           "one hidden layer that gives the score itself, not squashed"),
    Choice("Dropout", NOTHING, "model.dropout model.frame_dropout", "not named"),
    Choice("MOS loss", NOTHING,
           "loss.mse_weight loss.mae_weight loss.soft_label_weight loss.rater_weight "
           "loss.ranking_weight loss.preference_weight loss.mismatch_weight loss.contrast_weight",
           "squared error, whose best answer is the mean, which a MOS is"),
    Choice("Transport", "“Sinkhorn optimal transport loss”",
           "loss.ot_form loss.ot_cost loss.ot_weight loss.ot_epsilon loss.ot_iterations",
           "every pair is drawn together; cosine, whose range no width changes"),
    Choice("Step size", NOTHING, "train.warmup train.decay train.learning_rate",
           "AdamW at one step size"),
    Choice("Averaging of weights", NOTHING, "train.averaging", "not named"),
    Choice("Where training begins", NOTHING, "train.start_from", "random weights"),
    Choice("Which epoch is kept", NOTHING, "train.keep", "the best on dev"),
    Choice("Prompts in other words", NOTHING, "train.rewordings", "not named"),
    Choice("Length of training", NOTHING,
           "train.epochs train.patience train.batch_size train.weight_decay train.gradient_clip",
           "only numbers"),
)  # fmt: skip


def document(
    values: Mapping[str, Any],
    recipe: Mapping[str, Any],
    variants: Mapping[str, Mapping[str, Any]],
    ablations: DataFrame,
    measured: DataFrame | None,
) -> str:
    """Return docs/paper.md.

    Args:
        values: params.yaml by dotted name, without the sets of changes.
        recipe: What the paper's configuration changes in them.
        variants: What each ablation changes in them.
        ablations: Variants beside the default, as `metrics/ablations.csv` has them.
        measured: `metrics/paper_table.csv`, or None where it was not made.
    """
    rows = []
    for choice in CHOICES:
        fields = [field for field in choice.fields if field not in HIDDEN]
        other = {f: recipe[f] for f in fields if f in recipe and recipe[f] != values[f]}
        cells = (
            choice.title,
            choice.says,
            f"{_read(fields, values, recipe)}<br>{choice.why}",
            ", ".join(f"`{_text(values[field])}`" for field in other) or "the same",
            _worth(other, choice.axes, variants, ablations),
        )
        rows.append([verbatim(cell) for cell in cells])
    heads = ("choice", "the paper says", "read as", "our default", "what the default's is worth")
    corpus = ", ".join(dict.fromkeys(ablations["corpus"]))
    lines = [INTRODUCTION, "", Table("", heads, rows).markdown()]
    lines += ["", LEGEND.format(corpus=corpus), "", "## The paper and this run", ""]
    if measured is None:
        lines.append("Not measured: `make paper-table` does.")
    else:
        lines += [*_caution(measured, recipe), "", markdown(measured), "", BELOW]
    return "\n".join(lines) + "\n"


def _caution(measured: DataFrame, recipe: Mapping[str, Any]) -> Iterator[str]:
    corpus = measured["corpus"].iloc[0]
    if corpus != "MusicEval":
        yield (
            f"The paper's figures are MusicEval's. Those below are of the {corpus}: they reproduce "
            "none of the claims and refute none."
        )
    if not measured["text"].iloc[0].startswith(str(recipe["embed_text.model"])):
        yield (
            "Network, losses and training are the recipe's; the encoders' states are those that "
            "were there, named below."
        )


def _read(fields: list[str], values: Mapping[str, Any], recipe: Mapping[str, Any]) -> str:
    found = {field: recipe.get(field, values[field]) for field in fields}
    # A loss term of weight zero is not there.
    found = {f: value for f, value in found.items() if value or not f.endswith("_weight")}
    read = [f"`{field}: {_text(value)}`" for field, value in found.items() if field in recipe]
    ours = [f"`{field}: {_text(value)}`" for field, value in found.items() if field not in recipe]
    return ", ".join(read + [f"*ours:* {', '.join(ours)}"] * bool(ours))


def _worth(
    other: Mapping[str, Any],
    axes: tuple[str, ...],
    variants: Mapping[str, Mapping[str, Any]],
    ablations: DataFrame,
) -> str:
    if not other or not axes:
        return ""
    for name, changes in variants.items():
        if changes and changes.items() <= other.items():
            found = [_difference(ablations, name, axis) for axis in axes]
            if all(found):
                return f"{', '.join(found)} (`{name}`)"
    return "not measured"


def _difference(ablations: DataFrame, variant: str, axis: str) -> str:
    wanted = {"variant": variant, "metric": f"utt_{axis}_srcc"}
    row = ablations[(ablations[list(wanted)] == Series(wanted)).all(axis=1)]
    if (row["protocol"] == PROTOCOL).any():
        row = row[row["protocol"] == PROTOCOL]
    if row.empty:
        return ""
    less, low, high = (-row[f"{LESS}{end}"].iloc[0] for end in ("", "_high", "_low"))
    return f"{axis.upper()} {less:+.3f} ({low:+.3f} to {high:+.3f})"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
