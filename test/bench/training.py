"""Images a second of training steps in PyTorch, for training.ts: training.py MODEL BATCH STEPS"""
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent / "../parity/nn/fixtures"))
import reference_models  # noqa: E402

name, batch, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(0)
pre = name == "ResNetPreAct"
model = reference_models.ResNet(block_name="PreActResNetBlock") if pre else getattr(reference_models, name)()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
images, labels = torch.randn(batch, 3, 32, 32), torch.arange(batch) % 10
times = []
for _ in range(steps + 1):
    start = time.perf_counter()
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
    times.append(time.perf_counter() - start)
print(batch / sorted(times[1:])[steps // 2])
