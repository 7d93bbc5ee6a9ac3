/** The 14 Bravais lattices: crystal systems with centrings, and which of the 230 space groups have which. */
import { checkInteger } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";

/** How lattice points lie in the cell: at its corners only, also on a face, on all faces, in its middle, or rhombohedrally. */
export type Centring = "P" | "C" | "I" | "F" | "R";

export type CrystalSystem = "triclinic" | "monoclinic" | "orthorhombic" | "tetragonal" | "hexagonal" | "cubic";

export interface BravaisLattice {
  /** Pearson's symbol: the crystal family's letter and the centring's. */
  readonly symbol: string;
  readonly name: string;
  /** What the cell's sides and angles obey; the rhombohedral lattice is described on hexagonal axes. */
  readonly system: CrystalSystem;
  readonly centring: Centring;
}

/** In the order of their class numbers. */
export const BRAVAIS_LATTICES: readonly BravaisLattice[] = [
  { symbol: "aP", name: "triclinic primitive", system: "triclinic", centring: "P" },
  { symbol: "mP", name: "monoclinic primitive", system: "monoclinic", centring: "P" },
  { symbol: "mC", name: "monoclinic base-centred", system: "monoclinic", centring: "C" },
  { symbol: "oP", name: "orthorhombic primitive", system: "orthorhombic", centring: "P" },
  { symbol: "oC", name: "orthorhombic base-centred", system: "orthorhombic", centring: "C" },
  { symbol: "oI", name: "orthorhombic body-centred", system: "orthorhombic", centring: "I" },
  { symbol: "oF", name: "orthorhombic face-centred", system: "orthorhombic", centring: "F" },
  { symbol: "tP", name: "tetragonal primitive", system: "tetragonal", centring: "P" },
  { symbol: "tI", name: "tetragonal body-centred", system: "tetragonal", centring: "I" },
  { symbol: "hR", name: "rhombohedral", system: "hexagonal", centring: "R" },
  { symbol: "hP", name: "hexagonal primitive", system: "hexagonal", centring: "P" },
  { symbol: "cP", name: "cubic primitive", system: "cubic", centring: "P" },
  { symbol: "cI", name: "cubic body-centred", system: "cubic", centring: "I" },
  { symbol: "cF", name: "cubic face-centred", system: "cubic", centring: "F" },
];

const wrongCentring = (owner: string, centring: unknown) =>
  new OptionError(owner, "centring", centring, "P, C, I, F or R");

/** @throws {OptionError} naming the index of a lattice plane that is no whole number */
export function checkPlane(owner: string, h: unknown, k: unknown, l: unknown): void {
  if (Number.isInteger(h) && Number.isInteger(k) && Number.isInteger(l)) {
    return;
  }
  for (const [name, index] of Object.entries({ h, k, l })) {
    checkInteger(owner, name, index, Number.MIN_SAFE_INTEGER);
  }
}

/**
 * Whether the reflection (h, k, l) is there at all: a centring's extra lattice points extinguish those for which their waves cancel.
 * Rhombohedral on hexagonal axes in the obverse setting.
 */
export function isAllowed(centring: Centring, h: number, k: number, l: number): boolean {
  checkPlane("isAllowed", h, k, l);
  const even = (n: number): boolean => n % 2 === 0;
  switch (centring) {
    case "P":
      return true;
    case "C":
      return even(h + k);
    case "I":
      return even(h + k + l);
    case "F":
      return even(h + k) && even(k + l);
    case "R":
      return (-h + k + l) % 3 === 0;
    default:
      throw wrongCentring("isAllowed", centring);
  }
}

/** The lattice points of the cell, as parts of its sides. */
export function latticePoints(centring: Centring): readonly (readonly [number, number, number])[] {
  switch (centring) {
    case "P":
      return [[0, 0, 0]];
    case "C":
      return [
        [0, 0, 0],
        [0.5, 0.5, 0],
      ];
    case "I":
      return [
        [0, 0, 0],
        [0.5, 0.5, 0.5],
      ];
    case "F":
      return [
        [0, 0, 0],
        [0.5, 0.5, 0],
        [0.5, 0, 0.5],
        [0, 0.5, 0.5],
      ];
    case "R":
      return [
        [0, 0, 0],
        [2 / 3, 1 / 3, 1 / 3],
        [1 / 3, 2 / 3, 2 / 3],
      ];
    default:
      throw wrongCentring("latticePoints", centring);
  }
}

/**
 * Where the lattice changes along the space groups' numbers (International Tables for Crystallography, volume A): from each number
 * on, the symbol beside it. An A-centred cell is the base-centred lattice with other names for its sides.
 */
const FIRST_NUMBERS =
  "1 aP 3 mP 5 mC 6 mP 8 mC 10 mP 12 mC 13 mP 15 mC 16 oP 20 oC 22 oF 23 oI 25 oP 35 oC 42 oF 44 oI 47 oP 63 oC 69 oF 71 oI " +
  "75 tP 79 tI 81 tP 82 tI 83 tP 87 tI 89 tP 97 tI 99 tP 107 tI 111 tP 119 tI 123 tP 139 tI 143 hP 146 hR 147 hP 148 hR 149 hP " +
  "155 hR 156 hP 160 hR 162 hP 166 hR 168 hP 195 cP 196 cF 197 cI 198 cP 199 cI 200 cP 202 cF 204 cI 205 cP 206 cI 207 cP 209 cF " +
  "211 cI 212 cP 214 cI 215 cP 216 cF 217 cI 218 cP 219 cF 220 cI 221 cP 225 cF 229 cI";

const bySpaceGroup = (() => {
  const lattices: number[] = [];
  const words = FIRST_NUMBERS.split(" ");
  for (let i = 0; i < words.length; i += 2) {
    const lattice = BRAVAIS_LATTICES.findIndex(({ symbol }) => symbol === words[i + 1]);
    const end = Number(words[i + 2] ?? 231);
    for (let group = Number(words[i]); group < end; group++) {
      lattices[group] = lattice;
    }
  }
  return lattices;
})();

/**
 * The Bravais lattice of a space group.
 * @param group its number, 1 to 230
 * @returns the lattice's place in {@link BRAVAIS_LATTICES}
 * @throws {RangeError} when there is no such group
 */
export function bravaisLatticeOfSpaceGroup(group: number): number {
  const lattice = bySpaceGroup[group];
  if (lattice === undefined) {
    throw new RangeError(`A space group has a number from 1 to 230; got ${group}.`);
  }
  return lattice;
}
