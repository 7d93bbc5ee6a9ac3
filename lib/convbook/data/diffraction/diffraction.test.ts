import "@tensorflow/tfjs-backend-cpu";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { loadTorch, saveSafetensors } from "../../checkpoints/index.ts";
import { Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import { DataLoader } from "../index.ts";
import {
  type Atom,
  BRAVAIS_LATTICES,
  bravaisLatticeOfSpaceGroup,
  type Crystal,
  createTrainAndValidation,
  DiffractionDataset,
  generatePatterns,
  isAllowed,
  latticePoints,
  loadPatterns,
  lorentzPolarisation,
  planeSpacing,
  powderPattern,
  randomCell,
  reflections,
  savePatterns,
  unitCell,
} from "./index.ts";

/** Atoms at places of the cell, for structures whose places do not all follow from the centring. */
const at = (electrons: number, ...places: [number, number, number][]): Atom[] =>
  places.map((position) => ({ position, electrons }));

/**
 * Real crystals with the distances of their lines as published on the cards of the Powder Diffraction File, in ångström, and cell sides from the
 * same cards. Of these, KCl's and rutile's lines were compared with what Mineral Data Publishing's Handbook of Mineralogy prints. The other cards are
 * not public: each of their distances was compared with the one that follows by hand from the published cell sides (d = a / √(h² + k² + l²) in
 * a cube); none differs by more than 0.002.
 */
const crystals: { name: string; crystal: Crystal; lines: [hkl: string, d: number][]; multiplicities?: number[] }[] = [
  {
    name: "NaCl, PDF 5-628",
    crystal: {
      cell: unitCell("cubic", { a: 5.6402 }),
      centring: "F",
      atoms: [...at(10, [0, 0, 0]), ...at(18, [0.5, 0.5, 0.5])],
    },
    lines: [
      ["111", 3.258],
      ["200", 2.821],
      ["220", 1.994],
      ["311", 1.701],
      ["222", 1.628],
      ["400", 1.41],
      ["331", 1.294],
      ["420", 1.261],
      ["422", 1.1515],
    ],
    multiplicities: [8, 6, 12, 24, 8, 6, 24, 24, 24],
  },
  {
    name: "KCl, Handbook of Mineralogy",
    crystal: {
      cell: unitCell("cubic", { a: 6.2931 }),
      centring: "F",
      atoms: [...at(18, [0, 0, 0]), ...at(18, [0.5, 0.5, 0.5])],
    },
    lines: [
      ["200", 3.146],
      ["220", 2.224],
      ["222", 1.816],
      ["400", 1.573],
      ["420", 1.407],
      ["422", 1.284],
    ],
  },
  {
    name: "silicon, PDF 27-1402",
    crystal: { cell: unitCell("cubic", { a: 5.43088 }), centring: "F", atoms: at(14, [0, 0, 0], [0.25, 0.25, 0.25]) },
    lines: [
      ["111", 3.1355],
      ["220", 1.9201],
      ["311", 1.6375],
      ["400", 1.3577],
      ["331", 1.2459],
      ["422", 1.1086],
    ],
    multiplicities: [8, 12, 24, 6, 24, 24],
  },
  {
    name: "aluminium, PDF 4-787",
    crystal: { cell: unitCell("cubic", { a: 4.0494 }), centring: "F" },
    lines: [
      ["111", 2.338],
      ["200", 2.024],
      ["220", 1.431],
      ["311", 1.221],
      ["222", 1.169],
    ],
    multiplicities: [8, 6, 12, 24, 8],
  },
  {
    name: "iron, PDF 6-696",
    crystal: { cell: unitCell("cubic", { a: 2.8664 }), centring: "I" },
    lines: [
      ["110", 2.0268],
      ["200", 1.4332],
      ["211", 1.1702],
    ],
    multiplicities: [12, 6, 24],
  },
  {
    name: "quartz, PDF 33-1161",
    crystal: {
      cell: unitCell("hexagonal", { a: 4.9134, c: 5.4053 }),
      centring: "P",
      atoms: [
        ...at(14, [0.4697, 0, 1 / 3], [0, 0.4697, 2 / 3], [-0.4697, -0.4697, 0]),
        ...at(
          8,
          [0.4135, 0.2669, 0.4524],
          [-0.2669, 0.1466, 0.7857],
          [-0.1466, -0.4135, 0.1191],
          [0.2669, 0.4135, 0.5476],
          [0.1466, -0.2669, 0.2143],
          [-0.4135, -0.1466, 0.8809],
        ),
      ],
    },
    lines: [
      ["100", 4.257],
      ["101", 3.342],
      ["110", 2.457],
      ["102", 2.282],
      ["111", 2.237],
      ["200", 2.127],
      ["201", 1.9792],
      ["112", 1.8179],
      ["202", 1.6719],
      ["103", 1.6591],
      ["210", 1.6082],
      ["211", 1.5418],
      ["113", 1.4536],
    ],
  },
  {
    name: "rutile, PDF 21-1276",
    crystal: {
      cell: unitCell("tetragonal", { a: 4.5933, c: 2.9592 }),
      centring: "P",
      atoms: [
        ...at(22, [0, 0, 0], [0.5, 0.5, 0.5]),
        ...at(8, [0.305, 0.305, 0], [-0.305, -0.305, 0], [0.805, 0.195, 0.5], [0.195, 0.805, 0.5]),
      ],
    },
    lines: [
      ["110", 3.247],
      ["101", 2.487],
      ["200", 2.297],
      ["111", 2.188],
      ["210", 2.054],
      ["211", 1.6874],
      ["220", 1.6237],
      ["002", 1.4797],
      ["310", 1.4528],
    ],
  },
  {
    name: "corundum, PDF 10-173",
    crystal: {
      cell: unitCell("hexagonal", { a: 4.758, c: 12.991 }),
      centring: "R",
      atoms: [
        ...at(13, [0, 0, 0.3523], [0, 0, 0.1477], [0, 0, -0.3523], [0, 0, -0.1477]),
        ...at(
          8,
          [0.3064, 0, 0.25],
          [0, 0.3064, 0.25],
          [-0.3064, -0.3064, 0.25],
          [-0.3064, 0, 0.75],
          [0, -0.3064, 0.75],
          [0.3064, 0.3064, 0.75],
        ),
      ],
    },
    lines: [
      ["012", 3.479],
      ["104", 2.552],
      ["110", 2.379],
      ["113", 2.085],
      ["202", 1.964],
      ["024", 1.74],
      ["116", 1.601],
      ["214", 1.404],
      ["300", 1.374],
    ],
  },
];

describe("real crystals show their published lines", () => {
  test.each(crystals)("$name", ({ crystal, lines, multiplicities }) => {
    const found = reflections(crystal, { twoTheta: [5, 90] }).filter(({ intensity }) => intensity > 1e-4);
    for (const [hkl, d] of lines) {
      const [h, k, l] = [...hkl].map(Number) as [number, number, number];
      expect(planeSpacing(crystal.cell, h, k, l)).toBeCloseTo(d, 2);
      const line = found.find((candidate) => Math.abs(candidate.d / d - 1) < 1e-3);
      expect(line, `${hkl} at ${d}`).toBeDefined();
    }
    if (multiplicities !== undefined) {
      expect(found.map(({ hkl }) => hkl.join(""))).toEqual(lines.slice(0, found.length).map(([hkl]) => hkl));
      expect(found.map(({ multiplicity }) => multiplicity)).toEqual(multiplicities.slice(0, found.length));
    }
  });

  test("and NaCl's strengths are near the card's: 200, 220 and 222 strong, 111 and 311 weak", () => {
    const { crystal } = crystals[0] as (typeof crystals)[number];
    const strength = new Map(reflections(crystal).map(({ hkl, intensity }) => [hkl.join(""), intensity]));
    const card: [string, number, number][] = [
      ["111", 0.04, 0.25],
      ["200", 1, 1],
      ["220", 0.35, 0.75],
      ["311", 0, 0.06],
      ["222", 0.08, 0.25],
      ["400", 0.03, 0.12],
    ];
    for (const [hkl, least, most] of card) {
      expect(strength.get(hkl), hkl).toBeGreaterThanOrEqual(least);
      expect(strength.get(hkl), hkl).toBeLessThanOrEqual(most);
    }
  });

  test("quartz's strongest line is 101, and Bragg's law places it at 26.64 degrees", () => {
    const quartz = crystals.find(({ name }) => name.startsWith("quartz")) as (typeof crystals)[number];
    const lines = reflections(quartz.crystal);
    const strongest = lines.find(({ intensity }) => intensity === 1);
    expect(strongest?.d).toBeCloseTo(3.342, 2);
    expect(strongest?.twoTheta).toBeCloseTo(26.64, 1);
  });
});

describe("the 14 lattices", () => {
  test("extinguish the reflections for which their points' waves cancel", () => {
    for (const centring of ["P", "C", "I", "F", "R"] as const) {
      for (let h = -4; h <= 4; h++) {
        for (let k = -4; k <= 4; k++) {
          for (let l = -4; l <= 4; l++) {
            const phases = latticePoints(centring).map(([x, y, z]) => 2 * Math.PI * (h * x + k * y + l * z));
            const sum = Math.hypot(
              phases.reduce((s, p) => s + Math.cos(p), 0),
              phases.reduce((s, p) => s + Math.sin(p), 0),
            );
            expect(isAllowed(centring, h, k, l), `${centring} ${h} ${k} ${l}`).toBe(sum > 1e-6);
          }
        }
      }
    }
  });

  test("have as many space groups as the International Tables count", () => {
    const counts: Record<string, number> = {};
    for (let group = 1; group <= 230; group++) {
      const { symbol } = BRAVAIS_LATTICES[bravaisLatticeOfSpaceGroup(group)] as (typeof BRAVAIS_LATTICES)[number];
      counts[symbol] = (counts[symbol] ?? 0) + 1;
    }
    expect(counts).toEqual({
      aP: 2,
      mP: 8,
      mC: 5,
      oP: 30,
      oC: 15,
      oI: 9,
      oF: 5,
      tP: 49,
      tI: 19,
      hR: 7,
      hP: 45,
      cP: 15,
      cI: 10,
      cF: 11,
    });
    // Fm-3m, Fd-3m, Im-3m, R-3c, P4_2/mnm, P3_221, P2_1/c.
    const some = [225, 227, 229, 167, 136, 154, 14].map(
      (group) => BRAVAIS_LATTICES[bravaisLatticeOfSpaceGroup(group)]?.symbol,
    );
    expect(some).toEqual(["cF", "cF", "cI", "hR", "tP", "hP", "mP"]);
  });

  test("draw cells of their systems", () => {
    const generator = new Generator(1);
    for (const lattice of BRAVAIS_LATTICES) {
      for (let i = 0; i < 50; i++) {
        const cell = randomCell(lattice, generator);
        const { a, b, c, alpha, beta, gamma } = cell;
        const equal = [a === b, b === c, alpha === 90, beta === 90, gamma === 90, gamma === 120];
        const expected = {
          cubic: [true, true, true, true, true, false],
          tetragonal: [true, false, true, true, true, false],
          hexagonal: [true, false, true, true, false, true],
          orthorhombic: [false, false, true, true, true, false],
          monoclinic: [false, false, true, false, true, false],
          triclinic: [false, false, false, false, false, false],
        }[lattice.system];
        expect(equal, lattice.symbol).toEqual(expected);
        for (const side of [a, b, c]) {
          expect(side).toBeGreaterThan(3);
        }
      }
    }
  });

  test("show 2θ only for allowed lines, with the multiplicities of their symmetry", () => {
    const cell = unitCell("orthorhombic", { a: 4, b: 5.3, c: 7.1 });
    const general = reflections({ cell, centring: "P" }).find(({ hkl }) => hkl.join() === "1,2,3");
    expect(general?.multiplicity).toBe(8);
    const triclinic = unitCell("triclinic", { a: 4, b: 5.3, c: 7.1, alpha: 80, beta: 97, gamma: 104 });
    for (const { multiplicity } of reflections({ cell: triclinic, centring: "P" })) {
      expect(multiplicity).toBe(2);
    }
    for (const { hkl } of reflections({ cell, centring: "I" })) {
      expect(hkl.reduce((a, b) => a + b) % 2).toBe(0);
    }
  });
});

describe("a powder pattern", () => {
  const crystal: Crystal = { cell: unitCell("cubic", { a: 4.0494 }), centring: "F" };

  test("has its peaks at the lines' angles, of the width that is asked for", () => {
    const pattern = powderPattern(crystal, { points: 8501, fwhm: 0.2 });
    const angle = (i: number): number => 5 + i * 0.01;
    const top = pattern.indexOf(1);
    expect(angle(top)).toBeCloseTo(38.47, 1);
    const half = pattern.slice(top - 100, top + 100).filter((value) => value > 0.5).length * 0.01;
    expect(half).toBeCloseTo(0.2, 1);
  });

  test("has a background and counting noise, the same for the same seed", () => {
    const quiet = powderPattern(crystal, { background: 0.5 });
    expect(Math.min(...quiet)).toBeGreaterThan(0.33);
    expect(Math.max(...quiet)).toBeCloseTo(1, 3);
    const noisy = () => powderPattern(crystal, { background: 0.5, counts: 1000, generator: new Generator(4) });
    expect(noisy()).toEqual(noisy());
    const errors = noisy().map(
      (value, i) => (value - (quiet[i] as number)) / Math.sqrt((quiet[i] as number) / 1.5 / 1000),
    );
    const spread = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
    expect(spread).toBeGreaterThan(0.9);
    expect(spread).toBeLessThan(1.1);
  });

  test("falls with the Lorentz and polarisation factors", () => {
    expect(lorentzPolarisation(90)).toBeCloseTo(1 / (0.5 * Math.SQRT1_2), 12);
    expect(lorentzPolarisation(20)).toBeGreaterThan(lorentzPolarisation(60));
  });
});

describe("DiffractionDataset", () => {
  const patterns = generatePatterns({ patternsPerLattice: 4, points: 400, generator: new Generator(2) });

  test("generates every lattice's patterns, the same for the same seed", () => {
    expect(patterns.labels).toEqual(Int32Array.from({ length: 56 }, (_, i) => Math.floor(i / 4)));
    expect(patterns.data.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
    expect(generatePatterns({ patternsPerLattice: 4, points: 400, generator: new Generator(2) })).toEqual(patterns);
  });

  test("gives sequences of one channel, to a loader too", async () => {
    await tf.setBackend("cpu");
    const data = new DiffractionDataset({ ...patterns, numClasses: 14, background: 0.2 });
    expect(data.classes.slice(0, 3)).toEqual(["aP", "mP", "mC"]);
    const [first] = data.get(0);
    expect(first.shape).toEqual([400, 1]);
    expect(Math.min(...first.data)).toBeGreaterThan(0.16);
    for await (const [x, y] of new DataLoader(data, { batchSize: 28, shuffle: true })) {
      expect(x.shape).toEqual([28, 400, 1]);
      tf.dispose([x, y]);
    }
  });

  test("maps space groups to their lattices, or to classes of their own", () => {
    const data = new Float32Array(30);
    const labels = [225, 1, 14];
    const mapped = new DiffractionDataset({ numClasses: 14, data, labels, cat: "Space Group" });
    expect([...mapped.targets].map((k) => mapped.classes[k])).toEqual(["cF", "aP", "mP"]);
    const own = new DiffractionDataset({ numClasses: 230, data, labels, cat: "Space Group" });
    expect([...own.targets].map((k) => own.classes[k])).toEqual(["space group 225", "space group 1", "space group 14"]);
  });

  test("is divided at random, nothing lost", () => {
    const { train, validation } = createTrainAndValidation(patterns, 0.25, { generator: new Generator(3) });
    expect([train.labels.length, validation.labels.length]).toEqual([42, 14]);
    expect([...train.labels, ...validation.labels].sort((a, b) => a - b)).toEqual([...patterns.labels]);
    const sum = (data: Float32Array): number => data.reduce((a, b) => a + b, 0);
    expect(sum(train.data) + sum(validation.data)).toBeCloseTo(sum(patterns.data), 2);
  });

  test("is saved and loaded, and read from a torch file too", async () => {
    const folder = await mkdtemp(join(tmpdir(), "convbook-diffraction-"));
    try {
      const path = join(folder, "patterns.safetensors");
      await savePatterns(path, patterns);
      expect(await loadPatterns(path)).toEqual(patterns);
      const torch = join(folder, "patterns.PT");
      await savePatterns(torch, patterns);
      expect(await loadPatterns(torch)).toEqual(patterns);
      expect(((await loadTorch(torch)) as Map<string, TensorData>).get("Y")).toMatchObject({
        dtype: "int64",
        shape: [patterns.labels.length],
      });
      await expect(savePatterns(join(folder, "patterns.csv"), patterns)).rejects.toThrow(
        "ends with one of .safetensors",
      );
      await saveSafetensors(path, new Map([["X", { dtype: "int32", shape: [1], data: Int32Array.of(1) }]]));
      await expect(loadPatterns(path)).rejects.toThrow(
        `${path} needs X float32 [patterns, points] and Y [patterns] of integers; it has X int32 [1].`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(await loadPatterns(fileURLToPath(new URL("../fixtures/patterns.pt", import.meta.url)))).toEqual({
      data: Float32Array.from({ length: 12 }, (_, i) => i / 8),
      points: 4,
      labels: Int32Array.of(13, 0, 7),
    });
  });

  test.each<[string, () => unknown, string]>([
    [
      "category",
      () =>
        new DiffractionDataset({
          numClasses: 14,
          data: new Float32Array(2),
          labels: [0],
          cat: "Lattice" as "Space Group",
        }),
      'A DiffractionDataset\'s cat is "Bravais Lattice" or "Space Group"; got "Lattice".',
    ],
    [
      "classes",
      () => new DiffractionDataset({ numClasses: 7, data: new Float32Array(2), labels: [0] }),
      'With cat "Bravais Lattice" numClasses is 14; got 7.',
    ],
    [
      "label",
      () => new DiffractionDataset({ numClasses: 14, data: new Float32Array(2), labels: [14] }),
      "label 0 is 14; classes have the numbers from 0 to 13.",
    ],
    [
      "space group",
      () => new DiffractionDataset({ numClasses: 14, data: new Float32Array(2), labels: [231], cat: "Space Group" }),
      "A space group has a number from 1 to 230; got 231.",
    ],
    [
      "sizes",
      () => new DiffractionDataset({ numClasses: 14, data: new Float32Array(5), labels: [0, 1] }),
      "2 labels do not fit 5 numbers of patterns.",
    ],
    [
      "NaN",
      () => new DiffractionDataset({ numClasses: 14, data: Float32Array.of(0, 1, Number.NaN, 0), labels: [0, 1] }),
      "Pattern 1 has the value NaN.",
    ],
    [
      "background",
      () => new DiffractionDataset({ numClasses: 14, data: new Float32Array(2), labels: [0], background: -1 }),
      "A DiffractionDataset's background is a finite number >= 0; got -1.",
    ],
    [
      "validation size",
      () => createTrainAndValidation(patterns, 20),
      "validationSize is a part between 0 and 1; got 20.",
    ],
    [
      "cell",
      () => unitCell("triclinic", { a: 4, b: 5, c: 6, alpha: 30, beta: 40, gamma: 120 }),
      "No cell has the sides 4, 5, 6 and the angles 30, 40, 120.",
    ],
    ["missing side", () => unitCell("tetragonal", { a: 4 }), "A tetragonal cell needs c."],
    [
      "range",
      () => reflections({ cell: unitCell("cubic", { a: 4 }), centring: "P" }, { twoTheta: [50, 20] }),
      "0 <= from < to < 180; got 1.540598, 50, 20.",
    ],
    [
      "points",
      () => powderPattern({ cell: unitCell("cubic", { a: 4 }), centring: "P" }, { points: 1 }),
      "A powder pattern's points is a whole number of at least 2; got 1.",
    ],
    [
      "list of atoms",
      () => reflections({ cell: unitCell("cubic", { a: 4 }), centring: "P", atoms: [] }),
      "A crystal has at least one atom at each lattice point; got none.",
    ],
    [
      "atom",
      () => reflections({ cell: unitCell("cubic", { a: 4 }), centring: "P", atoms: at(Number.NaN, [0, 0, 0.5]) }),
      "Atom 0 needs a finite place and number of electrons; got [0, 0, 0.5] and NaN.",
    ],
    ["lattice", () => generatePatterns({ lattices: [14] }), "A lattice has a number from 0 to 13; got 14."],
  ])("refuses a wrong %s", (_, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
