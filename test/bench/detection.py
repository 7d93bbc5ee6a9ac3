"""Times torchvision's suppression for detection.ts: boxes and scores as JSON in, medians in milliseconds out."""
import json
import statistics
import sys
import time

import torch
from torchvision.ops import nms

torch.set_num_threads(1)
for line in sys.stdin:
    given = json.loads(line)
    boxes, scores = torch.tensor(given["boxes"]), torch.tensor(given["scores"])
    times = []
    for _ in range(given["rounds"]):
        start = time.perf_counter()
        kept = nms(boxes, scores, given["threshold"])
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps({"ms": statistics.median(times), "kept": len(kept)}), flush=True)
