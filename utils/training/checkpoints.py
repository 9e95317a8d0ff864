"""Checkpoints that are whole or not there: tensors in safetensors, the rest in
JSON, no pickle.

A checkpoint is two files, `checkpoint-N.safetensors` and `checkpoint-N.json`.
Each is written under another name, forced to the disk and then renamed, and the
JSON, which holds the size and the SHA-256 of the tensors, comes last. No number
is used twice. So a process killed at any moment leaves no JSON without its
tensors.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

# The newest one, and the one before it in case a disk damages the newest
KEPT = 2


class CheckpointError(RuntimeError):
    """A checkpoint that must not be loaded; the message names the file and
    says why."""


def save_checkpoint(folder: str | Path, state: dict[str, Any]) -> Path:
    """Write a nested state of dictionaries, lists, tuples, numbers, strings and
    tensors.

    Older checkpoints than the newest two, and what killed processes left
    behind, are removed.

    Returns:
        The path of the JSON file.

    Raises:
        TypeError: the state holds something else; the message says where.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    packed = _pack(state, "state", tensors)
    blob = save(tensors)
    paths = sorted(folder.glob("checkpoint-*.json"))
    number = 1 + int(paths[-1].stem.removeprefix("checkpoint-")) if paths else 1
    path = folder / f"checkpoint-{number:08d}.json"
    _write(path.with_suffix(".safetensors"), blob)
    body = {
        "bytes": len(blob),
        "sha256": hashlib.sha256(blob).hexdigest(),
        "state": packed,
    }
    body["json_sha256"] = _digest(body)
    _write(path, json.dumps(body).encode())
    _prune(folder)
    return path


def load_checkpoint(folder: str | Path) -> dict[str, Any] | None:
    """Read the newest checkpoint of a folder, tensors on the CPU; None where
    there is none.

    Raises:
        CheckpointError: a file is missing, truncated or altered.
    """
    paths = sorted(Path(folder).glob("checkpoint-*.json"))
    if not paths:
        return None
    path = paths[-1]
    tensors_path = path.with_suffix(".safetensors")
    remedy = (
        f"delete {path.name} and {tensors_path.name} to continue from the "
        "checkpoint before it"
    )
    try:
        body = dict(json.loads(path.read_bytes()))
        claimed = body.pop("json_sha256")
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); {remedy}"
        ) from error
    if _digest(body) != claimed:
        raise CheckpointError(
            f"{path} was altered after it was written; {remedy}"
        )
    if not tensors_path.exists():
        raise CheckpointError(f"{tensors_path} is missing; {remedy}")
    blob = tensors_path.read_bytes()
    if len(blob) != body["bytes"]:
        raise CheckpointError(
            f"{tensors_path} has {len(blob)} bytes where {path.name} "
            f"promises {body['bytes']}: "
            f"it is truncated or belongs to another run; {remedy}"
        )
    if hashlib.sha256(blob).hexdigest() != body["sha256"]:
        raise CheckpointError(
            f"{tensors_path} was altered after it was written; {remedy}"
        )
    return _unpack(body["state"], load(blob))


def _write(path: Path, content: bytes) -> None:
    """Put a file in place whole, on the disk, or not at all."""
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    # Windows cannot open a folder, and keeps renames in order by itself
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _prune(folder: Path) -> None:
    """Remove old checkpoints, JSON first, then every file that no JSON
    names."""
    for path in sorted(folder.glob("checkpoint-*.json"))[:-KEPT]:
        path.unlink()
    for path in [
        *folder.glob("checkpoint-*.safetensors"),
        *folder.glob("checkpoint-*.partial"),
    ]:
        if path.suffix == ".partial" or not path.with_suffix(".json").exists():
            path.unlink()


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _pack(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Move tensors out into `tensors`, and write what JSON lacks as a
    dictionary with one `$` key.

    JSON lacks tensors, tuples and dictionaries whose keys are not strings.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"$tensor": name}
    if isinstance(value, list | tuple):
        items = [
            _pack(item, f"{name}/{index}", tensors)
            for index, item in enumerate(value)
        ]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, dict):
        pairs = [
            (key, _pack(item, f"{name}/{key}", tensors))
            for key, item in value.items()
        ]
        return (
            dict(pairs)
            if all(isinstance(key, str) for key in value)
            else {"$pairs": pairs}
        )
    raise TypeError(
        f"{name} is a {type(value).__name__}, which a checkpoint cannot hold"
    )


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `_pack`."""
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        return tensors[value["$tensor"]]
    if "$tuple" in value:
        return tuple(_unpack(item, tensors) for item in value["$tuple"])
    pairs = value.get("$pairs", list(value.items()))
    return {key: _unpack(item, tensors) for key, item in pairs}
