"""The folder of a model that a command trains: the finished model in it, and
in `plan/` what was decided when its run began."""

from pathlib import Path
from typing import Any

from utils.training.checkpoints import load_checkpoint


class ModelFolderError(ValueError):
    """A folder that holds no finished model, or another run than is meant."""


def load_finished(
    folder: str | Path, command: str, fields: set[str]
) -> dict[str, Any]:
    """Read the checkpoint of a finished model.

    Args:
        folder: `--out` of the command that trained it.
        command: the command that trains one, up to `--out`.
        fields: what the checkpoint of such a model holds.

    Raises:
        ModelFolderError: the folder holds no finished model, or another's.
        CheckpointError: a file in it is damaged.
    """
    folder = Path(folder)
    state = load_checkpoint(folder)
    if state is None:
        reason = (
            "its training is not finished; the same train command continues it"
            if (folder / "plan").exists()
            else f"make one with: {command} --out {folder}"
        )
        raise ModelFolderError(f"{folder} holds no model: {reason}")
    if not fields <= state.keys():
        raise ModelFolderError(
            f"{folder} holds a checkpoint of something else; give the folder "
            "that was train's --out"
        )
    return state
