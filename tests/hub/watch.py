"""What a block of code does to the machine, as Python itself reports it."""

import contextlib
import os
import sys
from collections.abc import Iterator

_FORBIDDEN = (
    "ctypes.dlopen",
    "ftplib.",
    "http.client.",
    "os.chmod",
    "os.chown",
    "os.exec",
    "os.fork",
    "os.kill",
    "os.link",
    "os.mkdir",
    "os.posix_spawn",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.spawn",
    "os.startfile",
    "os.symlink",
    "os.system",
    "os.truncate",
    "os.unsetenv",
    "os.utime",
    "pickle.find_class",
    "pty.spawn",
    "shutil.",
    "socket.",
    "subprocess.Popen",
    "tempfile.",
    "urllib.Request",
    "webbrowser.open",
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

#: The file that a stranger's compiled code says it is from.
STRANGER = "stranger"

# An audit hook cannot be taken away again: one, that is mostly off.
_is_installed = False
_seen = None


@contextlib.contextmanager
def watching(modules: set[str]) -> Iterator[list[str]]:
    """Lists what is written, run, sent or imported within.

    Args:
        modules: The names of the modules whose import is told.

    Yields:
        A list, to which each event is added as it happens, and at the end
        those of the modules that are imported now and were not before.
    """
    global _is_installed, _seen
    if not _is_installed:
        sys.addaudithook(_hook)
        _is_installed = True
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    new = modules - sys.modules.keys()
    seen = _seen = []
    try:
        yield seen
    finally:
        _seen = None
        sys.dont_write_bytecode = bytecode
        seen += [f"import {name}" for name in new & sys.modules.keys()]


def _hook(event, args):
    seen = _seen
    if seen is None or any(map(_is_cache, args)):
        return
    if event == "open":
        path, mode, flags = args
        if set(mode or "") & set("wax+") or (flags or 0) & _WRITES:
            seen.append(f"open {path!r} {mode}")
    elif event == "exec":
        if args[0].co_filename == STRANGER:
            seen.append("exec")
    elif event == "marshal.loads":
        if STRANGER.encode() in bytes(args[0]):
            seen.append("marshal.loads")
    elif event.startswith(_FORBIDDEN):
        seen.append(f"{event} {args!r}"[:500])


def _is_cache(path):
    """Whether it is where JAX keeps what it compiled."""
    cache = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    return cache is not None and str(path).startswith(cache)
