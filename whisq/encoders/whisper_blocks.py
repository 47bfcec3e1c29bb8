"""Running Whisper's encoder as far as it is needed, and no farther.

The blocks are transformers' own; only the order of the work is ours. The last block that is run
computes what attends (queries, and all that follows) for the clip's own frames alone: padding is
attended to, but nobody reads its states. The numbers are those of the full run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Conv1d, Linear
from torch.nn.functional import gelu, scaled_dot_product_attention

# Sums from its inverse to it are kept: scores to about ±69, eight digits from bfloat16's end.
IN_RANGE = 1e30


def hidden_states(encoder: Any, mels: Tensor, layers: tuple[int, ...], frames: int) -> Tensor:
    """Run the convolutions and the first blocks.

    Args:
        encoder: transformers' `WhisperEncoder`.
        mels: Log-mel spectrograms, float32, shape (clips, mels, mel frames).
        layers: Hidden states to keep, each 0 to the number of blocks.
        frames: How many frames to keep, the first ones, 1 to half the mel frames rounded up.

    Returns:
        float32, shape (clips, layers, frames, dim).
    """
    hidden = gelu(encoder.conv2(gelu(encoder.conv1(mels)))).transpose(1, 2)
    hidden = hidden.float() + encoder.embed_positions.weight[: hidden.shape[1]]
    kept = {0: hidden[:, :frames]}
    last = max(layers)
    for number, block in enumerate(encoder.layers[:last], start=1):
        hidden = _run(block, hidden, frames if number == last else hidden.shape[1])
        kept[number] = hidden[:, :frames]
    if last == len(encoder.layers):
        kept[last] = encoder.layer_norm(kept[last])
    return torch.stack([kept[layer] for layer in layers], dim=1).float()


def _run(block: Any, hidden: Tensor, frames: int) -> Tensor:
    attention = block.self_attn
    normed = block.self_attn_layer_norm(hidden).to(attention.q_proj.weight.dtype)
    query = _heads(attention.q_proj(normed[:, :frames]), attention.num_heads)
    key = _heads(attention.k_proj(normed), attention.num_heads)
    value = _heads(attention.v_proj(normed), attention.num_heads)
    mixed = _attend(query, key, value, attention.scaling)
    # Products may be in bfloat16, sums are in float32; new memory for each would cost more than it.
    hidden = attention.out_proj(mixed).float().add_(hidden[:, :frames])
    inner = block.activation_fn(block.fc1(block.final_layer_norm(hidden)))
    return block.fc2(inner).float().add_(hidden)


def _heads(states: Tensor, heads: int) -> Tensor:
    return states.unflatten(-1, (heads, -1)).transpose(1, 2)  # clips, heads, frames, width


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    if query.dtype != torch.bfloat16 or query.device.type != "cpu":
        mixed = scaled_dot_product_attention(query, key, value, scale=scale)
        return mixed.transpose(1, 2).flatten(2)
    # A head at a time stays in the processor's cache: twice as fast here as the fused kernel.
    return torch.stack(
        [attend_by_head(*clip, scale) for clip in zip(query, key, value, strict=True)]
    )


def attend_by_head(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Attend within one clip, head after head.

    Softmax first takes each row's largest score off, which costs a pass over the scores and
    changes nothing unless exponentials leave the range of numbers. Whether they did is seen from
    their sums.

    Args:
        query: Shape (heads, frames, width).
        key: Shape (heads, frames attended to, width).
        value: Shape (heads, frames attended to, width).
        scale: What scores are multiplied with.

    Returns:
        Shape (frames, heads * width), the values' type.
    """
    heads = list(zip(query * scale, key.mT, value, strict=True))
    mixed, sums = [], []
    for q, k, v in heads:
        weights = (q @ k).exp_()
        sums.append(weights.sum(-1, keepdim=True))
        mixed.append((weights @ v).div_(sums[-1]))
    lowest, highest = torch.cat(sums).aminmax()
    if not (lowest > 1 / IN_RANGE and highest < IN_RANGE):
        mixed = [(q @ k).softmax(-1) @ v for q, k, v in heads]
    return torch.cat(mixed, dim=-1)


def round_products(encoder: Any) -> None:
    """Keep the weights of products in bfloat16, as autocast would round them at every call.

    Args:
        encoder: transformers' `WhisperEncoder`; changed in place.
    """
    for module in encoder.modules():
        if isinstance(module, Linear | Conv1d):
            module.to(torch.bfloat16)
