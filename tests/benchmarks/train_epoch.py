"""Time an epoch of training at the pipeline's default size on random sequences; prints JSON."""

import json
import time

import torch

from whisq import params
from whisq.batch import Batch
from whisq.model.build import build
from whisq.model.variants import ModelConfig
from whisq.training.loop import Schedule, train

CLIPS, FRAMES, TOKENS, AUDIO, TEXT = 1923, 48, 20, 512, 384


def batches(size: int, layers: int) -> list[Batch]:
    """Draw as many clips as the rendered corpus trains on."""
    torch.manual_seed(0)
    mask = torch.ones(size, FRAMES, dtype=torch.bool)
    return [
        Batch(
            ids=tuple(map(str, range(size))),
            audio=torch.randn(size, layers, FRAMES, AUDIO),
            audio_mask=mask,
            text=torch.randn(size, TOKENS, TEXT),
            text_mask=mask[:, :TOKENS],
            omq=1 + 4 * torch.rand(size),
            ta=1 + 4 * torch.rand(size),
        )
        for _ in range(CLIPS // size)
    ]


def seconds(values: params.Params, ot_weight: float) -> float:
    """Time the second of two epochs, without dev."""
    layers = values.embed_audio.layers
    made = batches(values.train.batch_size, len(layers))
    sizes = {"audio_dim": AUDIO, "text_dim": TEXT, "audio": {"layers": layers}}
    model = build(ModelConfig(**sizes, **values.model.model_dump()))
    model.fit_scaling(batch.inputs for batch in made[:2])
    objective = values.loss.model_copy(update={"ot_weight": ot_weight})
    started = []
    train(
        model, objective, lambda _: made, made[:1], Schedule(epochs=2, warmup=0.0),
        on_epoch=lambda _: started.append(time.perf_counter()), progress=False,
    )  # fmt: skip
    return started[1] - started[0]


if __name__ == "__main__":
    values = params.load()
    report = {"clips": CLIPS, "batch_size": values.train.batch_size}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        report[f"epoch_seconds_{threads}_threads"] = seconds(values, values.loss.ot_weight)
        report[f"without_transport_{threads}_threads"] = seconds(values, 0.0)
    print(json.dumps(report, indent=1))
