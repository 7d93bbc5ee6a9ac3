"""Training steps in PyTorch, on request, for training.ts: training.py MODEL BATCH. Each line `LAYOUT STEPS` is answered by the steps' milliseconds."""
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent / "../parity/nn/fixtures"))
import reference_models  # noqa: E402

name, batch = sys.argv[1], int(sys.argv[2])
layouts = {"default": torch.contiguous_format, "channels_last": torch.channels_last}
torch.manual_seed(0)
cases = {}
for key, layout in layouts.items():
    pre = name == "ResNetPreAct"
    model = reference_models.ResNet(block_name="PreActResNetBlock") if pre else getattr(reference_models, name)()
    model = model.to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    cases[key] = model, optimizer, torch.randn(batch, 3, 32, 32).to(memory_format=layout)
labels = torch.arange(batch) % 10
for line in sys.stdin:
    key, steps = line.split()
    model, optimizer, images = cases[key]
    times = []
    for _ in range(int(steps)):
        start = time.perf_counter()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
        times.append(1000 * (time.perf_counter() - start))
    print(*times, flush=True)
