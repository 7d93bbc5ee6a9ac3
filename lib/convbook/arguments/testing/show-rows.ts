/** Rows for displays, event files and figures of them. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as convbook from "../../index.ts";
import { TensorBoard } from "../../tensorboard/index.ts";
import { call, construct, invoke } from "./nn-rows.ts";
import { type Argument, arg, flag, maybe, options, positive, type Row, share, text, whole } from "./probe.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-arguments-"));
const writer = new convbook.SummaryWriter(folder);
writer.addScalar("loss", 1, 0);
writer.close();
const path = () => arg("path", folder, { bad: ["", 5, []], also: /^x: at byte 0: there is no/ });
const pixels = { width: 2, height: 2, channels: 3, data: new Uint8Array(12) } as const;
const picture = { dtype: "uint8", shape: [2, 2, 3], data: new Uint8Array(12) } as const;
const size = (name: string) => maybe(arg(name, 100, { bad: ["1", 0] }));
const paths = () => arg("paths", folder, { bad: ["", 5, [], [5], {}], also: /^x: at byte 0: there is no/ });
const chart = (bad: readonly unknown[]): Argument[] => [
  maybe(arg("tags", ["loss"], { bad: [5, [5], ...bad], also: /"no"/ })),
  maybe(arg("smoothing", 0.5, { bad: [1, "0.5"] })),
  maybe(arg("xAxis", "step", { bad: [5] })),
  flag("logY", false),
  maybe(whole("columns", 1)),
  size("width"),
  size("height"),
];

/** Closes what was opened. */
function closed(opened: unknown): void {
  if (opened instanceof convbook.SummaryWriter || opened instanceof TensorBoard) {
    opened.close();
  }
}

export const showRows: readonly Row[] = [
  call(
    "encodePng",
    options(
      "pixels",
      whole("width", 2),
      whole("height", 2),
      arg("channels", 3, { bad: [5, "3"] }),
      arg("data", pixels.data, { bad: [5, [1], new Uint8Array(3)] }),
    ),
  ),
  call(
    "imageGrid",
    arg("images", picture, { bad: [5, [], [5], { shape: [2], data: [1, 2] }], also: /image/ }),
    maybe(
      options(
        "options",
        maybe(whole("columns", 1)),
        maybe(arg("titles", ["a"], { bad: [5, [5], ["a", "b"]], also: /title/ })),
        maybe(whole("padding", 1, 0)),
        maybe(whole("scale", 1)),
        maybe(text("title", "a")),
        maybe(
          arg(
            "colorScale",
            { colors: ["#000000", "#ffffff"], low: 0, high: 1 },
            { bad: [5, { colors: [], low: 0, high: 1 }] },
          ),
        ),
        maybe(text("alt", "a")),
      ),
    ),
  ),
  call(
    "vegaLite",
    arg("spec", { mark: "point", data: { values: [] } }, { accepts: ["{}"], bad: [5, []], also: /specification/ }),
    maybe(options("options", maybe(text("alt", "a")))),
  ),
  call(
    "plotly",
    arg("data", [{ y: [1] }], { bad: [5, [5]], also: /trace/ }),
    maybe(arg("layout", { title: "a" }, { accepts: ["{}"], bad: [5, []] })),
    maybe(options("options", maybe(text("alt", "a")), maybe(text("picture", "<svg/>")))),
  ),
  {
    name: "liveFigure",
    args: [maybe(options("options", maybe(arg("interval", 10, { bad: ["1"] })), maybe(share("share", 0.1))))],
    call: (...given) => invoke("liveFigure", ...given),
  },
  {
    name: "progress",
    args: [
      arg("items", [1], { accepts: ['"x"'], bad: [true] }),
      maybe(
        options(
          "options",
          maybe(text("label", "a")),
          maybe(text("unit", "a")),
          maybe(positive("total", 1)),
          flag("keepTimes"),
        ),
      ),
    ],
    call: (...given) => {
      invoke("progress", ...given);
    },
  },
  call("readEvents", path()),
  call("scalars", path()),
  call("tensorBoardFigure", paths(), maybe(options("options", ...chart([["no"]])))),
  {
    name: "tensorBoard",
    args: [
      { ...paths(), accepts: new Set(['"x"']) },
      maybe(options("options", maybe(arg("interval", 1000, { bad: ["1"] })), ...chart([]))),
    ],
    call: (...given) => closed(invoke("tensorBoard", ...given)),
  },
  {
    name: "SummaryWriter",
    args: [
      arg("logDir", folder, { accepts: ['"x"'], bad: ["", 5, []] }),
      maybe(options("options", maybe(text("filenameSuffix", "a")), maybe(arg("flushSecs", 1, { bad: ["1"] })))),
    ],
    call: (where, ...rest) => closed(construct("SummaryWriter", where === "x" ? join(folder, "x") : where, ...rest)),
  },
];
