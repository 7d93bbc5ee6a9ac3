"""PyTorch's side of the benchmark `engine`: reads "train LAYOUT" or "infer LAYOUT", makes one step, answers in milliseconds; "infer LAYOUT bf16"
infers under autocast; answers "memory" with the most bytes that the process has held.

Arguments: the network's name (one of the tutorial's, WideResNet, or one of torchvision's at 224 x 224), the batch size, the number of threads. Layouts:
default, channels_last, and either with "+compile" behind it.
"""

import pathlib
import resource
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "parity" / "nn" / "fixtures"))
import reference_models as ref  # noqa: E402

name, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(42)


def torchvision_network():
    import torchvision

    return getattr(torchvision.models, name)(num_classes=10)


tutorial = {
    "ResNet": ref.ResNet,
    "PreActResNet": lambda: ref.ResNet(block_name="PreActResNetBlock"),
    "GoogleNet": ref.GoogleNet,
    "DenseNet": ref.DenseNet,
    "WideResNet": lambda: ref.ResNet(num_blocks=(2, 2, 2, 2), c_hidden=(64, 128, 256, 512)),
}
make = tutorial.get(name, torchvision_network)
side = 32 if name in tutorial else 224
images = torch.randn(batch, 3, side, side)
labels = torch.randint(0, 10, (batch,))


class Side:
    def __init__(self, layout):
        layout, *compiled = layout.split("+")
        self.format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        self.model = make().to(memory_format=self.format)
        if compiled == ["compile"]:
            self.model = torch.compile(self.model)
        self.images = images.to(memory_format=self.format)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)

    def train(self):
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.model(self.images), labels)
        loss.backward()
        self.optimizer.step()
        loss.item()

    def infer(self, bf16=False):
        self.model.eval()
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            self.model(self.images).sum().item()


sides = {}
for line in sys.stdin:
    if line.strip() == "memory":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
        continue
    mode, layout, *precision = line.split()
    if layout not in sides:
        sides[layout] = Side(layout)
    start = time.perf_counter()
    if precision == ["bf16"]:
        sides[layout].infer(bf16=True)
    else:
        getattr(sides[layout], mode)()
    print((time.perf_counter() - start) * 1e3, flush=True)
