/** Rows for what looks into networks. */
import * as tf from "@tensorflow/tfjs-core";
import * as convbook from "../../index.ts";
import { call } from "./nn-rows.ts";
import { type Argument, arg, flag, maybe, options, positive, type Row, whole } from "./probe.ts";

const { nn } = convbook;
const network = new nn.Sequential(
  new nn.Conv2d(3, 2, { kernelSize: 3 }),
  new nn.ReLU(),
  new nn.Flatten(),
  new nn.Linear(8, 2),
);
const images = () => arg("images", tf.ones([1, 4, 4, 3]), { bad: [5, [1], tf.ones([2])], also: /image/ });
const model = () => arg("model", network, { bad: [5, []] });
const layer = () => arg("layer", "0", { bad: [5, "9", new nn.ReLU()] });
const target = () => maybe(arg("target", 1, { bad: [2, 0.5, "1", [], ["1"]] }));
const loss = () =>
  arg("loss", () => tf.mean(tf.square(network.forward(tf.ones([1, 4, 4, 3])) as tf.Tensor)), { bad: [5] });
const rest = (...fields: Argument[]) => maybe(options("options", ...fields));

export const lookRows: readonly Row[] = [
  call("interpret.saliency", model(), images(), rest(target())),
  call(
    "interpret.occlusionMap",
    model(),
    images(),
    rest(
      target(),
      maybe(whole("size", 2)),
      maybe(whole("stride", 2)),
      maybe(arg("value", 0, { accepts: ["-1"], bad: ["1"] })),
      maybe(whole("batchSize", 4)),
    ),
  ),
  call("interpret.gradCam", model(), images(), options("options", layer(), target())),
  call("interpret.confusedLogits", model(), images(), rest(maybe(whole("count", 1)))),
  call(
    "interpret.featureMaps",
    model(),
    arg("image", tf.ones([4, 4, 3]), { bad: [5, tf.ones([2])], also: /images/ }),
    arg("layers", ["0"], { bad: [[], [5], 5], also: /layer/ }),
  ),
  call(
    "interpret.plotFilters",
    arg("module", network, { bad: [5, {}] }),
    rest(
      maybe(arg("cmap", "grey", { bad: [5] })),
      maybe(whole("outputs", 2)),
      maybe(whole("inputs", 2)),
      maybe(whole("scale", 2)),
    ),
  ),
  call(
    "interpret.filters",
    arg("conv", network.at(0), { bad: [5, new nn.ReLU()] }),
    rest(
      maybe(arg("mode", "rgb", { bad: [5] })),
      maybe(whole("outputs", 2)),
      maybe(whole("inputs", 2)),
      maybe(whole("scale", 2)),
      maybe(arg("title", "a", { accepts: ['"x"'], bad: [5] })),
    ),
  ),
  call(
    "interpret.activationStatistics",
    model(),
    arg("inputs", tf.ones([1, 4, 4, 3]), { bad: [5, [5]] }),
    rest(maybe(arg("layers", ["0"], { bad: [[5], 5, ["9"]], also: /layer/ })), flag("training", false)),
  ),
  call("interpret.gradientStatistics", model(), loss(), rest(flag("training", false))),
  call(
    "interpret.lossSurface",
    model(),
    loss(),
    rest(
      maybe(arg("dimensions", 1, { bad: [3, "1"] })),
      maybe(arg("points", 3, { bad: [4, "3", 1] })),
      maybe(arg("radius", 1, { bad: [0, "1"] })),
      maybe(whole("seed", 1, 0)),
      maybe(arg("normalization", "filter", { bad: [5] })),
      flag("training", false),
    ),
  ),
  call(
    "interpret.activationMaximization",
    model(),
    options(
      "options",
      arg("shape", [4, 4, 3], { bad: [[4], [4, 4, "3"], 4] }),
      arg("units", [0], { bad: [[], [5], ["0"], 0], also: /unit/ }),
      maybe(layer()),
      maybe(whole("steps", 1, 0)),
      maybe(positive("stepSize", 0.1)),
      maybe(positive("smoothness", 0.1)),
      maybe(arg("decay", 0.1, { bad: ["0", 1.5] })),
      maybe(whole("jitter", 1, 0)),
      maybe(whole("seed", 1, 0)),
    ),
  ),
];
