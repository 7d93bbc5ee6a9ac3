import { expect, it } from "vitest";
import { checkpointName, missingMetrics, parseNamePattern } from "./checkpoint-name.ts";

const metrics = {
  ...{ epoch: 7, step: 1234, val_acc: 0.625, loss: -0.00012345, "val/loss": 2.5, neg: -1.5, big: 1e22 },
  ...{ nan: Number.NaN, inf: Number.POSITIVE_INFINITY },
};
const nameOf = (pattern: string, insertsNames = true) =>
  checkpointName(parseNamePattern(pattern), metrics, insertsNames);

// What PyTorch Lightning's ModelCheckpoint.format_checkpoint_name gives, whose formats are Python's.
it.each([
  ["{epoch}-{step}", "epoch=7-step=1234"],
  ["{epoch:02d}-{val_acc:.2f}", "epoch=07-val_acc=0.62"],
  ["{epoch:02}", "epoch=07"],
  ["{val_acc:.3f}", "val_acc=0.625"],
  ["{val_acc:.0f}", "val_acc=1"],
  ["{val_acc:.2%}", "val_acc=62.50%"],
  ["{val/loss:.0f}", "val_loss=2"],
  ["{loss:.2e}", "loss=-1.23e-04"],
  ["{loss:.3g}|{step:.2g}|{val_acc:g}", "loss=-0.000123|step=1.2e+03|val_acc=0.625"],
  ["{loss:8.4f}", "loss= -0.0001"],
  ["{neg:07.2f}|{neg:06.1f}", "neg=-001.50|neg=-001.5"],
  ["{nan:.2f}|{nan}|{inf:.1f}|{inf}|{nan:06.2f}", "nan=nan|nan=nan|inf=inf|inf=inf|nan=000nan"],
  ["{big:.1f}", "big=10000000000000000000000.0"],
  ["{step:6d}|{step:06d}", "step=  1234|step=001234"],
  ["best-{missing:.1f}", "best-missing=0.0"],
  ["{nope}|{nope:d}|{toString}", "nope=0|nope=0|toString=0"],
  ["{ epoch }", " epoch =0"],
  ["plain", "plain"],
])("%s is %s", (pattern, name) => {
  expect(nameOf(pattern)).toBe(name);
});

it("leaves names out where it is told to", () => {
  expect(nameOf("e{epoch:03d}_{val_acc:.1f}", false)).toBe("e007_0.6");
});

it.each(["x", "02q", ".3d", ".3", "123d", "{step}", ".2"])(
  "refuses the format %s before there is a metric",
  (format) => {
    const refused = () => parseNamePattern(`{epoch:${format}}`);
    if (format === "{step}") {
      expect(refused).toThrow("ModelCheckpoint.filename must be text with the names of metrics");
    } else {
      expect(refused).toThrow(
        `ModelCheckpoint.filename, {epoch:${format}} must be a format such as "02d", ".3f", ".2e", ".4g" or ".1%", got "${format}".`,
      );
    }
  },
);

// Lightning finds these out at the first save, as ValueErrors of str.format.
it.each(["{epoch", "epoch}", "{}", "{:d}", "{{epoch}}", "{epoch}}", "{{epoch}", "a}b{c"])("refuses %s", (pattern) => {
  expect(() => parseNamePattern(pattern)).toThrow(
    'ModelCheckpoint.filename must be text with the names of metrics in pairs of braces, such as "{epoch:02d}-{val_acc:.3f}", ' +
      `got "${pattern}".`,
  );
});

it("names the metrics that are not there", () => {
  expect(missingMetrics(parseNamePattern("{epoch}-{nope:.2f}-{val_acc}-{ epoch }"), metrics)).toEqual([
    "nope",
    " epoch ",
  ]);
});
