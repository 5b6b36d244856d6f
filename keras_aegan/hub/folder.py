"""Writes a folder whole or not at all."""

import contextlib
import glob
import os
import pathlib
import shutil
import tempfile
import time
from collections.abc import Iterator

from keras_aegan.hub import layout
from keras_aegan.hub.errors import PresetWriteError

_ABANDONED = 24 * 60 * 60  # seconds after which no writer is still at work


@contextlib.contextmanager
def replacing(target: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder to write in, which then takes the target's place.

    Files of the old folder that are no part of the preset's format are kept,
    where the new one does not have them. If anything fails, the target is as
    it was and nothing else is left.

    Args:
        target: The folder to write or to replace.

    Yields:
        An empty folder beside the target.

    Raises:
        PresetWriteError: If the folder cannot be written.
    """
    try:
        recover(target)
        _remove_remains(target)
        # As near as possible to the target: a rename needs the same disk.
        anchor = next(p for p in target.parents if os.path.lexists(p))
        stage = pathlib.Path(
            tempfile.mkdtemp(prefix=f".{target.name}.", dir=anchor)
        )
        new, old = stage / "new", stage / "old"
        try:
            # Not `stage` itself, which `mkdtemp` makes for one user alone.
            new.mkdir()
            yield new
            _keep_other_files(target, new)
            _swap(target, new, old)
        finally:
            # What was moved away is given up only for what replaced it.
            if target.exists() or not old.exists():
                shutil.rmtree(stage, ignore_errors=True)
    except PresetWriteError:
        raise
    except OSError as error:
        raise PresetWriteError(
            f"Could not write the preset to {target}: "
            f"{error.strerror or error}. Nothing was changed. Give a folder "
            "that you may write in, on a disk with room."
        ) from error


def recover(target: pathlib.Path) -> None:
    """Puts back a folder whose writer was killed as it changed places.

    For an instant neither the old folder nor the new one is in its place; both
    are whole, and the new one is what the writer meant.

    Args:
        target: The folder that was to be replaced.
    """
    if os.path.lexists(target):
        return
    for new in target.parent.glob(f".{glob.escape(target.name)}.*/new"):
        if (new.parent / "old").is_dir():
            with contextlib.suppress(OSError):
                os.replace(new, target)
                shutil.rmtree(new.parent, ignore_errors=True)
                return


def _remove_remains(target):
    """Removes what killed writers left half-written beside the target."""
    for stage in target.parent.glob(f".{glob.escape(target.name)}.????????"):
        with contextlib.suppress(OSError):
            is_old = stage.stat().st_mtime < time.time() - _ABANDONED
            # With both in it, it may hold the only copies.
            if is_old and len(os.listdir(stage)) < 2:
                shutil.rmtree(stage)


def check_target(target: pathlib.Path, overwrite: bool) -> None:
    """Refuses to write where something else than a preset stands.

    Args:
        target: The folder that is to be written.
        overwrite: Whether a preset that stands there may be replaced.

    Raises:
        PresetWriteError: If the target is a file, or the working directory,
            or a folder of other files, or a preset to be kept.
    """
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        problem = "it is a file"
    elif target == pathlib.Path.cwd():
        problem = "it is the working directory, which cannot be replaced"
    elif not any(target.iterdir()):
        return
    elif not (target / layout.CONFIG).is_file():
        problem = f"it has other files and no {layout.CONFIG}, so no preset"
    elif not overwrite:
        problem = "it is a preset already, and `overwrite` is False"
    else:
        return
    raise PresetWriteError(
        f"Could not write the preset to {target}: {problem}. Give a new "
        "folder, or one that holds a preset to replace."
    )


def _keep_other_files(target, new):
    for entry in target.iterdir() if target.is_dir() else ():
        copy = new / entry.name
        if copy.exists() or layout.is_of_the_format(entry.name):
            continue
        if entry.is_symlink():
            shutil.copy2(entry, copy, follow_symlinks=False)
        elif entry.is_dir():
            shutil.copytree(entry, copy, symlinks=True, copy_function=_keep)
        else:
            _keep(entry, copy)


def _keep(file, kept):
    """The same file once more, which a log may be open for."""
    try:
        os.link(file, kept)
    except OSError:  # This file system has no links.
        shutil.copy2(file, kept)


def _swap(target, new, old):
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.replace(new, target)
        return
    os.replace(target, old)
    try:
        os.replace(new, target)
    except BaseException:
        os.replace(old, target)
        raise
