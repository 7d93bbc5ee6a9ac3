"""One epoch of torchvision's DataLoader over CIFAR-10; prints images a second.

Arguments: the file of decoded images that convbook's cache holds, workers, images, "tutorial" or "strong" augmentation. Run by data.ts.
"""
import json
import sys
import time

import numpy
import torch
from PIL import Image
from torchvision import transforms

path, workers, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path, "rb") as file:
    header = json.loads(file.read(4096).split(b"\n")[0])
total = header["count"]
labels = numpy.fromfile(path, dtype="<i4", count=total, offset=4096)
images = numpy.fromfile(path, dtype=numpy.uint8, offset=4096 + 4 * total).reshape([total, *header["shape"]])[:count]

normalize = [transforms.ToTensor(), transforms.Normalize([0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616])]
tutorial = [transforms.RandomHorizontalFlip(), transforms.RandomResizedCrop((32, 32), scale=(0.8, 1.0), ratio=(0.9, 1.1))]
strong = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), transforms.RandAugment()]
augmentation = [*tutorial, *normalize] if sys.argv[4] == "tutorial" else [*strong, *normalize, transforms.RandomErasing()]
transform = transforms.Compose(augmentation)


class Cifar10(torch.utils.data.Dataset):
    """As torchvision.datasets.CIFAR10 gives its samples."""

    def __len__(self):
        return len(images)

    def __getitem__(self, index):
        return transform(Image.fromarray(images[index])), int(labels[index])


torch.manual_seed(42)
loader = torch.utils.data.DataLoader(Cifar10(), batch_size=128, shuffle=True, drop_last=True, num_workers=workers)
batches = iter(loader)
next(batches)
start = time.perf_counter()
seen = 0
for batch, _ in batches:
    seen += len(batch)
print(seen / (time.perf_counter() - start))
