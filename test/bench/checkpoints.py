"""Times torch.load and torch.save for checkpoints.ts: a command a line (KIND PATH), an answer in milliseconds a line."""
import os
import sys
import time

import torch

torch.set_num_threads(1)
loaded = {}


def durable_save(value, path):
    """torch.save as safe as ours: under its name only when it is whole and on the disk."""
    with open(path + ".tmp", "wb") as file:
        torch.save(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)


for line in sys.stdin:
    kind, path = line.split()
    if kind == "prepare":
        loaded = torch.load(path)
        print(0, flush=True)
        continue
    if kind == "legacy":
        torch.save(loaded, path, _use_new_zipfile_serialization=False)
        print(0, flush=True)
        continue
    start = time.perf_counter()
    if kind == "load":
        torch.load(path)
    elif kind == "save":
        torch.save(loaded, path)
    elif kind == "durable":
        durable_save(loaded, path)
    print((time.perf_counter() - start) * 1000, flush=True)
