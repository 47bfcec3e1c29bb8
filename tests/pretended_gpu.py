"""A GPU that is pretended, for machines without one: `with pretended_gpu.here(): ...`.

A tensor there says that it is on `cuda:0` and holds its values in main memory. As on a real one, an
operation on tensors of both devices is an error, numpy can't read it, and whatever is made there
says so; unlike on torch's fake tensors the numbers are real and can be compared. Autocast alone
leaves such tensors as they are.
"""

from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from whisq import devices
from whisq.batch import Batch

NAME = torch.device("cuda:0")
# What torch itself takes it for: going backward it asks the driver, but not about lazy devices.
INNER = torch.device("lazy:0")


class OnGPU(torch.Tensor):
    device = NAME
    is_cuda = True

    @staticmethod
    def __new__(cls, held):
        form = {"strides": held.stride(), "storage_offset": held.storage_offset()}
        form |= {"dtype": held.dtype, "device": INNER}
        made = torch.Tensor._make_wrapper_subclass(cls, held.size(), **form)
        made.held = held
        return made

    def tolist(self):
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return compute(function, args, kwargs or {})


class Pretence(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return compute(function, args, kwargs or {})


def compute(function, args, kwargs):
    if not torch.is_inference_mode_enabled():
        return computed(function, args, kwargs)
    # There operations come whole and views are not known: out of it and in again.
    with torch.inference_mode(False), torch.no_grad(), Pretence():
        return function(*args, **kwargs)


def computed(function, args, kwargs):
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    there = [isinstance(tensor, OnGPU) for tensor in tensors]
    operation = function._schema.name
    copies = operation in ("aten::_to_copy", "aten::copy_")
    # A single number may come from the CPU, but not where tensors are put side by side.
    joins = operation in ("aten::cat", "aten::stack")
    strays = [t for t in tensors if not isinstance(t, OnGPU) and (t.dim() or joins)]
    if any(there) and strays and not copies:
        raise RuntimeError(f"{operation}: tensors on cuda:0 and on the CPU")
    target = kwargs.get("device")
    on_gpu = there[0] if operation == "aten::copy_" else any(there)
    if target is not None:
        on_gpu = torch.device(target).type in (NAME.type, INNER.type)
        kwargs = kwargs | {"device": torch.device("cpu")}
    args, kwargs = tree_map_only(OnGPU, lambda tensor: tensor.held, (args, kwargs))
    made = function(*args, **kwargs)
    if not on_gpu:
        return made
    known = {id(tensor.held): tensor for tensor in tensors if isinstance(tensor, OnGPU)}
    return tree_map_only(torch.Tensor, lambda t: known[id(t)] if id(t) in known else OnGPU(t), made)


@contextmanager
def here():
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with pytest.MonkeyPatch.context() as patch, Pretence():
            patch.setattr(devices, "available", lambda: ["cuda:0", "cpu"])
            patch.setattr("torch.cuda._lazy_init", lambda: None)
            patch.setattr(Batch, "pin_memory", lambda batch: batch)
            yield
    finally:
        torch._C._set_only_lift_cpu_tensors(False)
        torch.__future__.set_overwrite_module_params_on_conversion(before)
