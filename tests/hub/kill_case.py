"""Starts saves, uploads and downloads, and kills them: run by `test_kill`.

It reads lines of JSON, `[action, argument, ..., delay]`, does what each says in
a child of its own, kills the child with SIGKILL after `delay` seconds (or lets
it end, if that is null), and answers with the seconds that it lived. A fork
starts at once, where a new process would import Keras for seconds.
"""

import json
import os
import pathlib
import signal
import sys
import time

from keras_aegan import AEGAN
from keras_aegan.hub.registry import resolve
from keras_aegan.hub.upload import publish


def save(number, folder):
    models[int(number)].save_to_preset(folder)


def upload(folder, uri):
    publish(uri, pathlib.Path(folder))


def download(uri, cache):
    source = resolve(uri, cache_dir=cache)
    for part in ("metadata.json", "config.json", *WEIGHTS):
        source.file(part)


ACTIONS = {"save": save, "upload": upload, "download": download}
WEIGHTS = ("model.safetensors", "model.ema.safetensors")


def kill(action, arguments, delay):
    begin = time.perf_counter()
    child = os.fork()
    if child == 0:
        # The tests read the answers alone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        status = 1
        try:
            ACTIONS[action](*arguments)
            status = 0
        finally:
            os._exit(status)
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if delay is None:
        assert status == 0, f"{action} failed"
    return time.perf_counter() - begin


if __name__ == "__main__":
    models = [AEGAN.from_preset(folder) for folder in sys.argv[1:]]
    print("ready", flush=True)
    for line in sys.stdin:
        action, *arguments, delay = json.loads(line)
        print(kill(action, arguments, delay), flush=True)
