"""PyTorch's DistributedDataParallel over gloo, on request: torch_ddp.py MODEL BATCH RANKS THREADS. Each line `STEPS` is answered by the milliseconds of
as many steps, the same for all ranks. The processes are started by this one and speak on the loopback interface.
"""
import os
import pathlib
import socket
import subprocess
import sys
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "parity/nn/fixtures"))
import reference_models  # noqa: E402

name, batch, ranks, threads = sys.argv[1], *map(int, sys.argv[2:5])
rank = int(os.environ.get("BENCH_RANK", "0"))
children = []
if rank == 0:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ["MASTER_PORT"] = str(probe.getsockname()[1])
    os.environ.update(MASTER_ADDR="127.0.0.1", GLOO_SOCKET_IFNAME="lo")
    for other in range(1, ranks):
        children.append(
            subprocess.Popen(
                [sys.executable, *sys.argv], env={**os.environ, "BENCH_RANK": str(other)}, stdin=subprocess.DEVNULL
            )
        )
torch.set_num_threads(threads)
dist.init_process_group("gloo", rank=rank, world_size=ranks)
torch.manual_seed(0)
model = (
    reference_models.ResNet(block_name="PreActResNetBlock")
    if name == "ResNetPreAct"
    else getattr(reference_models, name)()
)
model = model.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
ddp = torch.nn.parallel.DistributedDataParallel(model)
images = torch.randn(batch, 3, 32, 32).to(memory_format=torch.channels_last)
labels = torch.arange(batch) % 10
while True:
    count = torch.tensor([int(line) if rank == 0 and (line := sys.stdin.readline()) else 0])
    dist.broadcast(count, 0)
    if count.item() == 0:
        break
    times = []
    for _ in range(count.item()):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(ddp(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(1000 * (time.perf_counter() - start))
    if rank == 0:
        print(*times, flush=True)
for child in children:
    child.wait()
