/** Rows for the diffraction of crystals. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as convbook from "../../index.ts";
import { call, make } from "./nn-rows.ts";
import { arg, maybe, options, positive, type Row, share, text, whole } from "./probe.ts";

const { diffraction } = convbook;
const folder = mkdtempSync(join(tmpdir(), "convbook-arguments-"));
const at = (name: string) => join(folder, name);
const index = (name: string) => arg(name, 1, { accepts: ["-1"], bad: [1.5, "1"] });
const cell = diffraction.unitCell("cubic", { a: 4 });
const crystal = { cell, centring: "F" } as const;
const lattice = diffraction.BRAVAIS_LATTICES[13];
const generator = () => arg("generator", new convbook.Generator(1));
const rays = () => [
  maybe(arg("wavelength", 1.5, { bad: [0, "1.5"] })),
  maybe(arg("twoTheta", [20, 60], { bad: [[], [60, 20], ["20", "60"], 20] })),
];
const peaks = () => [maybe(whole("points", 40, 2)), maybe(share("mixing", 0.5))];
const crystals = (good: unknown, ...bad: unknown[]) =>
  arg("crystal", good, {
    bad: [5, [], { ...crystal, cell: { ...cell, a: "4" } }, { cell, centring: "A" }, ...bad],
    also: /centring/,
  });
const drawn = (name: string, good: number) => maybe(arg(name, good, { bad: [[1], [2, 1], ["1", "2"], "1"] }));
const patterns = diffraction.generatePatterns({
  points: 20,
  patternsPerLattice: 1,
  generator: new convbook.Generator(1),
});
const patternsArgument = () =>
  arg("patterns", patterns, {
    bad: [5, { ...patterns, data: [1] }, { ...patterns, points: 3 }, { ...patterns, labels: [1] }],
  });
const labelled = new diffraction.DiffractionDataset({ numClasses: 14, ...patterns });
/** A path; where any text would do, the test writes it into its own folder. */
const path = (name: string, file: string) => arg(name, at(file), { accepts: ['"x"'], bad: ["", 5, []] });
const written = (name: string, file: string, ...rest: Row["args"]): Row => ({
  name: `diffraction.${name}`,
  args: [path("path", file), ...rest],
  call: async (where, ...given) =>
    await (Reflect.get(diffraction, name) as (...given: unknown[]) => unknown)(
      where === "x" ? at(file) : where,
      ...given,
    ),
});
/** The configuration of the fixture's model. */
const fixtureConfig = {
  ...convbook.defaultResnetConfig,
  resDims: [3, 4],
  resKernel: [5, 3],
  resStride: [2, 2],
  numBlocks: [1, 1],
  firstKernelSize: 5,
  firstPoolKernelSize: 3,
  firstPoolStride: 3,
};
const accuracies = (name: string) => arg(name, [0.5], { bad: [5, [], [1, 2]], also: /analytics/ });
const fixture = (name: string) => fileURLToPath(new URL(`../../diffraction/fixtures/${name}`, import.meta.url));

await diffraction.savePatterns(at("read.pt"), patterns);
await diffraction.saveTrainingAnalytics(at("read-accuracies.pt"), { train: [0.5], top1: [0.5], top3: [0.5] });

export const crystalRows: readonly Row[] = [
  call("diffraction.bravaisLatticeOfSpaceGroup", { ...whole("group", 225), also: /space group/ }),
  call("diffraction.latticePoints", arg("centring", "F", { bad: [5] })),
  call("diffraction.isAllowed", arg("centring", "F", { bad: [5] }), index("h"), index("k"), index("l")),
  call("diffraction.lorentzPolarisation", arg("twoTheta", 30, { bad: [0, 180, "30"] })),
  call(
    "diffraction.unitCell",
    arg("system", "cubic", { bad: [5, []] }),
    arg("parameters", { a: 4 }, { bad: [5, [], { a: "4" }, { a: 0 }], also: /sides/ }),
  ),
  call(
    "diffraction.planeSpacing",
    arg("cell", cell, { bad: [5, [], { ...cell, b: "4" }, { ...cell, alpha: undefined }] }),
    index("h"),
    index("k"),
    index("l"),
  ),
  call("diffraction.randomCell", arg("lattice", lattice, { bad: [5, { system: "round" }] }), generator()),
  call(
    "diffraction.randomCrystal",
    arg("lattice", lattice, { bad: [5, { system: "round" }] }),
    maybe(options("options", maybe(whole("maxAtoms", 2)), maybe(generator()))),
  ),
  call(
    "diffraction.reflections",
    crystals(crystal, { ...crystal, atoms: 5 }, { ...crystal, atoms: [5] }, { ...crystal, atoms: [{ position: 1 }] }),
    maybe(options("options", ...rays())),
  ),
  call(
    "diffraction.powderPattern",
    crystals(crystal),
    maybe(
      options(
        "options",
        ...rays(),
        ...peaks(),
        maybe(arg("fwhm", 0.1, { bad: [0, "0.1"] })),
        maybe(positive("background", 0.1)),
        maybe(arg("counts", 100, { bad: [0, "1"] })),
        maybe(generator()),
      ),
    ),
  ),
  call(
    "diffraction.generatePatterns",
    maybe(
      options(
        "options",
        ...rays(),
        ...peaks(),
        maybe(whole("patternsPerLattice", 1, 0)),
        maybe(arg("lattices", [0], { bad: [5, [14], [-1], ["0"]], also: /A lattice/ })),
        maybe(whole("maxAtoms", 2)),
        drawn("fwhm", 0.1),
        drawn("background", 0.1),
        drawn("counts", 100),
        maybe(generator()),
      ),
    ),
  ),
  call(
    "diffraction.createTrainAndValidation",
    // A text is a file's path, behind which another argument is to come.
    { ...patternsArgument(), also: /savePath/ },
    arg("validationSize", 0.5, { bad: [0, 1, "0.5"] }),
    maybe(options("options", maybe(generator()))),
  ),
  make(
    "diffraction.DiffractionDataset",
    options(
      "options",
      whole("numClasses", 14),
      arg("data", patterns.data, { bad: [[1, 2], 5], also: /labels|patterns/ }),
      arg("labels", patterns.labels, { bad: [[], 5, ["a"], [0.5]] }),
      maybe(positive("background", 0)),
      maybe(arg("cat", "Bravais Lattice", { bad: [5] })),
    ),
  ),
  written("savePatterns", "a.pt", patternsArgument()),
  written("loadPatterns", "read.pt"),
  written(
    "saveTrainingAnalytics",
    "accuracies.pt",
    options("analytics", accuracies("train"), accuracies("top1"), accuracies("top3")),
  ),
  written("loadTrainingAnalytics", "read-accuracies.pt"),
  call(
    "diffraction.returnAnalytics",
    options(
      "options",
      arg("modelPath", fixture("model.pt"), { bad: ["", 5, []], also: /^x|"x"|'x'/ }),
      arg("trainingAnalyticsPath", fixture("train-t1_test-t3-test.pt"), { bad: ["", 5, []], also: /^x|"x"|'x'/ }),
      whole("numClasses", 14),
      arg("test", labelled, { bad: [5, [], patterns] }),
      maybe(arg("config", fixtureConfig, { bad: [5, []], also: /ResNet|layers|inputDim/ })),
      maybe(whole("batchSize", 2)),
    ),
  ),
  call(
    "diffraction.patternFigure",
    arg("crystals", { nickel: crystal }, { bad: [5, [], { nickel: 5 }], also: /crystal|centring|cell/ }),
    maybe(
      options(
        "options",
        maybe(positive("markFrom", 0.1)),
        ...rays(),
        maybe(text("title", "a")),
        maybe(text("alt", "a")),
        maybe(arg("width", 100, { bad: ["1", 0] })),
        maybe(arg("height", 100, { bad: ["1", 0] })),
      ),
    ),
  ),
];
