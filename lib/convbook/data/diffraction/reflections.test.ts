import { describe, expect, test } from "vitest";
import { type Atom, type Crystal, planeSpacing, reflections, unitCell } from "./index.ts";

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

  test.each<[string, () => unknown, string]>([
    [
      "range",
      () => reflections({ cell: unitCell("cubic", { a: 4 }), centring: "P" }, { twoTheta: [50, 20] }),
      "0 <= from < to < 180; got 1.540598, 50, 20.",
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
  ])("refuses a wrong %s", (_, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});
