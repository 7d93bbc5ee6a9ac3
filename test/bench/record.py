"""PyTorch's steps of the recipe of notebook 09, in channels_last: for each line "SIZE COUNT" on stdin the milliseconds of COUNT steps, and for "eval SIZE COUNT" of
COUNT passes of the batch in evaluation. Arguments: batch size, threads (0 leaves them alone)."""
import sys
import time

import torch
from torch import nn
import torch.nn.functional as F

batch, threads = int(sys.argv[1]), int(sys.argv[2])
if threads > 0:
    torch.set_num_threads(threads)
torch.manual_seed(1)


def norm(channels):
    layer = nn.BatchNorm2d(channels, momentum=0.4, eps=1e-12)
    layer.weight.requires_grad = False
    return layer


def conv(inputs, outputs):
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:inputs])
    return layer


def group(inputs, outputs):
    return [conv(inputs, outputs), nn.MaxPool2d(2), norm(outputs), nn.SiLU(), conv(outputs, outputs), norm(outputs), nn.SiLU()]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.whitening = nn.Conv2d(3, 24, 2)
        # The bias is learned in the first epochs only.
        self.whitening.requires_grad_(False)
        self.groups = nn.Sequential(nn.SiLU(), *group(24, 64), *group(64, 256), *group(256, 256))
        self.head = nn.Linear(256, 10, bias=False)
        nn.init.uniform_(self.head.weight, -(3**0.5), 3**0.5)

    def forward(self, x):
        return self.head(self.groups(self.whitening(x)).amax((2, 3))) / 256


def orthogonalize(matrix):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    if x.size(0) > x.size(1):
        x = x.T
    for _ in range(3):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if matrix.size(0) > matrix.size(1) else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for options in self.param_groups:
            for p in options["params"]:
                buffer = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - options["momentum"])
                update = p.grad.lerp(buffer, options["momentum"])
                p.mul_(len(p) ** 0.5 / p.norm())
                p.add_(orthogonalize(update.reshape(len(p), -1)).view(p.shape), alpha=-options["lr"])


net = Net().to(memory_format=torch.channels_last)
learned = [p for p in net.parameters() if p.requires_grad]
filters = [p for p in learned if p.dim() == 4]
rest = [p for p in learned if p.dim() != 4]
# Small rates: these steps are for the clock, on noise.
optimizers = [torch.optim.SGD(rest, lr=1e-4, momentum=0.85, nesterov=True, weight_decay=1e-3), Muon(filters, 0.01, 0.7)]
criterion = nn.CrossEntropyLoss(label_smoothing=0.2)
labels = torch.randint(0, 10, (batch,))
pictures = {}


def step(x):
    net.train()
    loss = criterion(net(x), labels)
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    return loss.item()


@torch.no_grad()
def evaluate(x):
    net.eval()
    return net(x).sum().item()


for line in sys.stdin:
    *kind, size, count = line.split()
    x = pictures.setdefault(size, torch.randn(batch, 3, int(size), int(size)).contiguous(memory_format=torch.channels_last))
    times = []
    for _ in range(int(count)):
        start = time.perf_counter()
        (evaluate if kind else step)(x)
        times.append(1000 * (time.perf_counter() - start))
    print(" ".join(map(str, times)), flush=True)
