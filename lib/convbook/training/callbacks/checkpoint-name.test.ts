import { expect, it } from "vitest";
import { checkpointName } from "./checkpoint-name.ts";

const metrics = { epoch: 7, step: 1234, val_acc: 0.625, loss: -0.00012345, "val/loss": 2.5 };

// What PyTorch Lightning's ModelCheckpoint.format_checkpoint_name gives, whose formats are Python's.
it.each([
  ["{epoch}-{step}", "epoch=7-step=1234"],
  ["{epoch:02d}-{val_acc:.2f}", "epoch=07-val_acc=0.62"],
  ["{val_acc:.3f}", "val_acc=0.625"],
  ["{val_acc:.0f}", "val_acc=1"],
  ["{val/loss:.0f}", "val_loss=2"],
  ["{loss:.2e}", "loss=-1.23e-04"],
  ["{loss:8.4f}", "loss= -0.0001"],
  ["{step:6d}|{step:06d}", "step=  1234|step=001234"],
  ["best-{missing:.1f}", "best-missing=0.0"],
  ["plain", "plain"],
])("%s is %s", (pattern, name) => {
  expect(checkpointName(pattern, metrics, true)).toBe(name);
});

it("leaves names out where it is told to, and refuses other formats", () => {
  expect(checkpointName("e{epoch:03d}_{val_acc:.1f}", metrics, false)).toBe("e007_0.6");
  expect(() => checkpointName("{epoch:x}", metrics, true)).toThrow(
    'ModelCheckpoint.filename, {epoch:x} must be a format such as "02d", ".3f" or ".2e", got "x".',
  );
});
