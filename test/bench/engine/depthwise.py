"""PyTorch's side of depthwise.ts: a line of JSON asks for a convolution, a line of JSON answers with the best milliseconds of both memory layouts."""
import json
import sys
import time

import torch


def best(step, seconds):
    step()
    least, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        least = min(least, time.perf_counter() - start)
    return least * 1e3


for line in sys.stdin:
    ask = json.loads(line)
    torch.set_num_threads(ask["threads"])
    batch, size, channels, kernel, stride = (ask[key] for key in ("batch", "size", "channels", "kernel", "stride"))
    answer = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(batch, channels, size, size).contiguous(memory_format=layout)
        w = torch.randn(channels, 1, kernel, kernel).contiguous(memory_format=layout)
        bias = torch.randn(channels)
        pad = kernel // 2

        def forward():
            with torch.no_grad():
                return torch.nn.functional.conv2d(x, w, bias, stride, pad, 1, channels)

        dy = torch.ones_like(forward())

        def backward(mask):
            return torch.ops.aten.convolution_backward(
                dy, x, w, [channels], [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], channels, mask
            )

        steps = {
            "forward": forward,
            "input gradient": lambda: backward([True, False, False]),
            "filter gradient": lambda: backward([False, True, False]),
        }
        for name, step in steps.items():
            answer[name] = min(answer.get(name, float("inf")), best(step, ask["seconds"]))
    print(json.dumps(answer), flush=True)
