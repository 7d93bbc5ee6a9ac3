/** Rows for boxes and their maps. */
import * as tf from "@tensorflow/tfjs-core";
import * as convbook from "../../index.ts";
import { call, make } from "./nn-rows.ts";
import { arg, maybe, options, positive, type Row, share, whole } from "./probe.ts";

const { detection } = convbook;
const boxes = [{ cx: 8, cy: 8, width: 8, height: 4, angle: 0 }];
const plain = detection.quadsOf(boxes);
const scored = { ...plain, scores: Float64Array.of(0.9) };
const maps = detection.encodeGeometry(boxes, { height: 4, width: 4 });
const evaluation = detection.evaluateDetections([{ predicted: scored, truth: plain }]);
const quads = (name = "quads") => arg(name, plain, { bad: [5, [], { corners: [1] }] });
const sure = () => arg("quads", scored, { bad: [5, [], { corners: [1] }, { ...plain, scores: [1] }] });
const index = () => arg("index", 0, { bad: [0.5, "0", 1] });
const boxList = () => arg("boxes", boxes, { bad: [5, [5], [undefined], [{ ...boxes[0], angle: "0" }]], also: /Box 0/ });
const threshold = (name: string) => share(name, 0.5);
const result = () => arg("evaluation", evaluation, { bad: [5, []] });

export const detectionRows: readonly Row[] = [
  call("detection.quadsOf", boxList()),
  call("detection.countOf", quads()),
  call("detection.boxOf", quads(), index()),
  call("detection.quadArea", arg("corners", plain.corners, { bad: [[1], 5] }), index()),
  call("detection.quadIou", quads("a"), quads("b")),
  call("detection.nms", sure(), threshold("threshold")),
  call(
    "detection.localityAwareNms",
    sure(),
    maybe(options("options", maybe(threshold("mergeThreshold")), maybe(threshold("nmsThreshold")))),
  ),
  call(
    "detection.evaluateDetections",
    arg("images", [{ predicted: scored, truth: plain }], {
      bad: [5, [5], [{ predicted: plain, truth: plain }], [{ predicted: scored }]],
    }),
    maybe(
      options(
        "options",
        maybe(arg("iouThreshold", 0.5, { bad: [0, 1.5, "0.5"] })),
        maybe(arg("method", "area", { bad: [3] })),
      ),
    ),
  ),
  call("detection.atScore", result(), arg("scoreThreshold", 0.5, { accepts: ["-1"], bad: ["1"] })),
  call("detection.bestOperatingPoint", result()),
  call(
    "detection.drawQuads",
    arg("image", { dtype: "uint8", shape: [16, 16, 3], data: new Uint8Array(768) }, { bad: [5, []] }),
    quads(),
    maybe(
      options(
        "options",
        maybe(arg("colour", [255, 0, 0], { bad: [[1, 2], [1, 2, 256], ["1", 2, 3], 5] })),
        maybe(positive("lineWidth", 2)),
      ),
    ),
  ),
  make(
    "detection.FotsLoss",
    maybe(options("options", maybe(positive("geometryWeight", 1)), maybe(positive("angleWeight", 1)))),
  ),
  call(
    "detection.encodeGeometry",
    boxList(),
    options(
      "options",
      whole("height", 4),
      whole("width", 4),
      maybe(arg("stride", 4, { bad: [0, "4"] })),
      maybe(arg("shrink", 0.3, { bad: [0.6, "0.3"] })),
    ),
  ),
  call(
    "detection.decodeGeometry",
    arg("maps", maps, { bad: [5, [], { ...maps, score: [1] }, { ...maps, height: 3 }], also: /The scores of/ }),
    maybe(options("options", maybe(positive("scoreThreshold", 0.5)), maybe(arg("stride", 4, { bad: [0, "4"] })))),
  ),
  call("detection.stackMaps", arg("maps", [maps], { bad: [5, [], [5], [undefined], [{ ...maps, score: [1] }]] })),
  call(
    "detection.unstackMaps",
    options(
      "detection",
      arg("score", tf.zeros([1, 4, 4, 1]), { bad: [5, [1], tf.zeros([2])] }),
      arg("geometry", tf.zeros([1, 4, 4, 5]), { bad: [5, [1], tf.zeros([1, 4, 4, 4])] }),
    ),
  ),
];
