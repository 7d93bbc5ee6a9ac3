import { describe, expect, test } from "vitest";
import { Generator } from "../../random/index.ts";
import {
  BRAVAIS_LATTICES,
  bravaisLatticeOfSpaceGroup,
  isAllowed,
  latticePoints,
  randomCell,
  reflections,
  unitCell,
} from "./index.ts";

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
