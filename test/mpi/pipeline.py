#!/usr/bin/python3
"""What PyTorch finds in the files of the pipeline: pipeline.py TAG_FOLDER TAG RUN_FOLDER, JSON on standard output.

The model is that of test/parity/nn/fixtures, filled from model.pt; the accuracies are of TAG_Validation.pt in one batch and one process.
"""
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "parity/nn/fixtures"))
from reference_more import Classifier1d  # noqa: E402

data, tag, run = sys.argv[1:]
train, val = (torch.load(f"{data}/{tag}_{part}.pt", weights_only=True) for part in ("Train", "Validation"))
saved = torch.load(f"{run}/model.pt")  # with floats in it, which weights_only of torch 1.13 does not read from torch.save either
history = torch.load(f"{run}/train-t1_test-t3-test.pt", weights_only=True)
model = Classifier1d(14, [3, 4], [5, 3], [2, 2], [1, 1], 5, 3)
model.load_state_dict(saved["model"])
optimizer = torch.optim.Adam(model.parameters())
optimizer.load_state_dict(saved["optimizer"])
model.eval()
with torch.no_grad():
    top = model(val["X"][:, None])[:, :14].topk(3).indices
hits = top == val["Y"][:, None]
model.train()
optimizer.zero_grad()
torch.nn.functional.cross_entropy(model(train["X"][:8, None])[:, :14], train["Y"][:8]).backward()
optimizer.step()  # the state fits its parameters
steps = {int(entry["step"]) for entry in saved["optimizer"]["state"].values()}
print(
    json.dumps(
        {
            "types": [str(train["X"].dtype), str(train["Y"].dtype)],
            "patterns": [len(train["Y"]), len(val["Y"])],
            "epoch": saved["epoch"],
            "history": history.tolist(),
            "top1": hits[:, 0].float().mean().item(),
            "top3": hits.any(1).float().mean().item(),
            "lr": optimizer.param_groups[0]["lr"],
            "eps": optimizer.param_groups[0]["eps"],
            "steps": sorted(steps),
        }
    )
)
