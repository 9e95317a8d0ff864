"""A device that is not there: tensors that claim to be away, with real values.

A tensor that is `Away` says that it lies on another device and computes on the
CPU underneath. Mixing it with a CPU tensor raises, as CUDA would; so a test
without a GPU finds the tensor that somebody forgot to move. Like CUDA, it
allows numbers (tensors of no dimension) and indices on the CPU, and it demands
the lengths of packed rows there. Nothing numerical is imitated.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

AWAY = torch.device("meta")
# What may meet tensors of both devices: it copies, or asks for no values.
COPIES = {"_to_copy", "copy_", "copy", "detach", "set_"}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}
# Where these take the lengths or batch sizes, which stay on the CPU.
PACKING = {"_pack_padded_sequence": 1, "_pad_packed_sequence": 1}


class Away(Tensor):
    """A tensor that claims the other device; `here` are its values."""

    @staticmethod
    def __new__(cls, here: Tensor, requires_grad: bool = False) -> "Away":
        return Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=AWAY,
            requires_grad=requires_grad,
        )

    def __init__(self, here: Tensor, requires_grad: bool = False):
        self.here = here.detach()

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["here"], None

    @staticmethod
    def __tensor_unflatten__(inner, meta, size, stride) -> "Away":
        return Away(inner["here"])

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _compute(func, args, kwargs or {})


class Elsewhere(TorchDispatchMode):
    """Within this context the other device exists."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _compute(func, args, kwargs or {})

    def __enter__(self) -> "Elsewhere":
        self.factories = _Factories()
        self.factories.__enter__()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.factories.__exit__(*error)


class _Factories(TorchFunctionMode):
    """Build on the CPU, then move, what PyTorch builds below the dispatcher."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is Tensor.tolist and isinstance(args[0], Away):
            return args[0].here.tolist()
        if func is Tensor.new_tensor and isinstance(args[0], Away):
            kwargs.setdefault("dtype", args[0].dtype)
            with torch._C.DisableTorchFunction():
                return Away(torch.tensor(args[1], **kwargs))
        makes = func in (torch.tensor, torch.as_tensor)
        if makes and torch.device(kwargs.get("device") or "cpu") == AWAY:
            del kwargs["device"]
            with torch._C.DisableTorchFunction():
                return Away(torch.tensor(args[0], **kwargs))
        return func(*args, **kwargs)


def away(value: Any) -> Any:
    """Move a tensor, or every parameter of a module, to the other device."""
    if isinstance(value, Tensor):
        return Away(value.detach().clone())
    for module in value.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                module._parameters[name] = nn.Parameter(
                    Away(parameter.detach().clone()), parameter.requires_grad
                )
        if isinstance(module, nn.RNNBase):
            module._init_flat_weights()
    return value


def _compute(func: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
    """Run one operation on the values, and say where its result lies."""
    name = func.overloadpacket.__name__
    moved = any(isinstance(each, Away) for each in tree_leaves((args, kwargs)))
    asked = kwargs.get("device")
    if moved:
        _refuse_mixtures(name, args, kwargs)
    if asked is not None:
        goes = torch.device(asked) == AWAY
        kwargs = {**kwargs, "device": torch.device("cpu")}
    else:
        goes = isinstance(args[0], Away) if name == "copy_" else moved
    plain_args, plain_kwargs = tree_map_only(
        Away, lambda each: each.here, (args, kwargs)
    )
    result = func(*plain_args, **plain_kwargs)
    if moved and torch.Tag.inplace_view in func.tags:
        with no_dispatch():
            func(*args, **kwargs)
    if name.endswith("_") and func._schema.is_mutable:
        return args[0]
    if not goes:
        return result
    if name in PACKING:  # the batch sizes stay on the CPU
        return Away(result[0]), result[1]
    return tree_map_only(
        Tensor,
        lambda each: each if isinstance(each, Away) else Away(each),
        result,
    )


def _refuse_mixtures(name: str, args: tuple, kwargs: dict) -> None:
    if name in PACKING and isinstance(args[PACKING[name]], Away):
        raise RuntimeError(f"{name}: lengths must be on the CPU")
    if name in INDEXING and not isinstance(args[0], Away):
        raise RuntimeError(
            f"{name}: an index on the device, a tensor on the CPU"
        )
    if name in COPIES:
        return
    values = [
        each for place, each in enumerate(args) if place != PACKING.get(name)
    ]
    if name in INDEXING:
        values = [args[0], *args[2:]]
    for each in tree_leaves((values, kwargs)):
        if (
            isinstance(each, Tensor)
            and not isinstance(each, Away)
            and each.ndim
        ):
            raise RuntimeError(
                f"{name}: tensors on two devices, one of shape "
                f"{tuple(each.shape)} on the CPU"
            )
