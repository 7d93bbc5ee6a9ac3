/** Unit cells: distances of lattice planes, and cells drawn at random. */
import { checkGenerator } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { checkObject } from "../../arguments/options.ts";
import type { Generator } from "../../random/index.ts";
import { type BravaisLattice, type CrystalSystem, checkPlane } from "./bravais.ts";

/** Sides in ångström, angles in degrees. */
export interface UnitCell {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
}

const systems: readonly CrystalSystem[] = [
  "triclinic",
  "monoclinic",
  "orthorhombic",
  "tetragonal",
  "hexagonal",
  "cubic",
];

/** @throws {OptionError} naming what is no number of a cell */
export function checkCell(owner: string, argument: string, cell: UnitCell): void {
  checkObject(owner, argument, cell, "an object with a, b, c, alpha, beta, gamma");
  for (const name of ["a", "b", "c", "alpha", "beta", "gamma"] as const) {
    if (typeof cell[name] !== "number") {
      throw new OptionError(owner, `${argument}.${name}`, cell[name], "a number");
    }
  }
}

/**
 * A cell of a crystal system from the parameters that are free in it.
 * @param system what the sides and angles obey
 * @param parameters a, and as the system needs b, c, alpha, beta, gamma
 * @throws {OptionError} naming the argument that is wrong; {RangeError} when a parameter is missing or there is no such cell
 */
export function unitCell(system: CrystalSystem, parameters: Partial<UnitCell> & { readonly a: number }): UnitCell {
  checkObject(
    "unitCell",
    "parameters",
    parameters,
    "an object with a, and as the system needs b, c, alpha, beta, gamma",
  );
  const need = (key: keyof UnitCell): number => {
    const value = parameters[key];
    if (value === undefined) {
      throw new RangeError(`A ${system} cell needs ${key}.`);
    }
    return value;
  };
  const { a } = parameters;
  const right = { alpha: 90, beta: 90, gamma: 90 };
  const cell: UnitCell = (() => {
    switch (system) {
      case "cubic":
        return { a, b: a, c: a, ...right };
      case "tetragonal":
        return { a, b: a, c: need("c"), ...right };
      case "hexagonal":
        return { a, b: a, c: need("c"), ...right, gamma: 120 };
      case "orthorhombic":
        return { a, b: need("b"), c: need("c"), ...right };
      case "monoclinic":
        return { a, b: need("b"), c: need("c"), ...right, beta: need("beta") };
      case "triclinic":
        return { a, b: need("b"), c: need("c"), alpha: need("alpha"), beta: need("beta"), gamma: need("gamma") };
      default:
        throw new OptionError("unitCell", "system", system, systems.join(", "));
    }
  })();
  checkCell("unitCell", "parameters", cell);
  reciprocalMetric(cell);
  return cell;
}

/** The reciprocal cell's metric: 1/d² = m[0]h² + m[1]k² + m[2]l² + m[3]kl + m[4]hl + m[5]hk. */
export type ReciprocalMetric = readonly [number, number, number, number, number, number];

/** @throws {RangeError} when the sides and angles make no cell */
export function reciprocalMetric({ a, b, c, alpha, beta, gamma }: UnitCell): ReciprocalMetric {
  const cos = (degrees: number): number => (degrees === 90 ? 0 : Math.cos((degrees * Math.PI) / 180));
  const [ca, cb, cg] = [cos(alpha), cos(beta), cos(gamma)];
  // The square of the volume of a cell of these angles with sides of 1.
  const volume2 = 1 - ca * ca - cb * cb - cg * cg + 2 * ca * cb * cg;
  if (![a, b, c].every((side) => side > 0 && Number.isFinite(side)) || !(volume2 > 1e-9)) {
    throw new RangeError(`No cell has the sides ${a}, ${b}, ${c} and the angles ${alpha}, ${beta}, ${gamma}.`);
  }
  return [
    (1 - ca * ca) / (a * a * volume2),
    (1 - cb * cb) / (b * b * volume2),
    (1 - cg * cg) / (c * c * volume2),
    (2 * (cb * cg - ca)) / (b * c * volume2),
    (2 * (ca * cg - cb)) / (a * c * volume2),
    (2 * (ca * cb - cg)) / (a * b * volume2),
  ];
}

/** 1/d² of the planes (h, k, l), in 1/Å². */
export function inverseSquareSpacing(m: ReciprocalMetric, h: number, k: number, l: number): number {
  return m[0] * h * h + m[1] * k * k + m[2] * l * l + m[3] * k * l + m[4] * h * l + m[5] * h * k;
}

/**
 * Distance of the planes (h, k, l) in ångström.
 *
 * @throws {OptionError} naming the argument that is wrong; {RangeError} when there is no such cell
 */
export function planeSpacing(cell: UnitCell, h: number, k: number, l: number): number {
  checkCell("planeSpacing", "cell", cell);
  checkPlane("planeSpacing", h, k, l);
  return 1 / Math.sqrt(inverseSquareSpacing(reciprocalMetric(cell), h, k, l));
}

/** @throws {OptionError} where this is no lattice */
export function checkLattice(owner: string, lattice: BravaisLattice): void {
  if (!systems.includes(lattice?.system)) {
    throw new OptionError(owner, "lattice", lattice, "a lattice of BRAVAIS_LATTICES");
  }
}

/** Sides of random cells, in ångström. */
const SIDES = [3.5, 10] as const;
/** How much free sides differ at least, as a part: nearer ones would look like a lattice of higher symmetry. */
const DISTINCT = 0.06;

/**
 * A random cell of a Bravais lattice: sides of 3.5 to 10 Å, oblique angles of 60 to 120 degrees, none near a higher symmetry's.
 *
 * @throws {OptionError} naming the argument that is wrong
 */
export function randomCell(lattice: BravaisLattice, generator: Generator): UnitCell {
  checkLattice("randomCell", lattice);
  checkGenerator("randomCell", generator);
  const { system } = lattice;
  const side = (): number => generator.uniform(...SIDES);
  const oblique = (low: number, high: number): number => {
    for (;;) {
      const angle = generator.uniform(low, high);
      if (Math.abs(angle - 90) > 4 && Math.abs(angle - 60) > 3 && Math.abs(angle - 120) > 3) {
        return angle;
      }
    }
  };
  for (;;) {
    const [a, b, c] = [side(), side(), side()];
    const distinct = (x: number, y: number): boolean => Math.abs(x / y - 1) > DISTINCT;
    if (system === "cubic") {
      return unitCell(system, { a });
    }
    if (!distinct(a, c)) {
      continue;
    }
    if (system === "tetragonal" || system === "hexagonal") {
      return unitCell(system, { a, c });
    }
    if (!distinct(a, b) || !distinct(b, c)) {
      continue;
    }
    if (system === "orthorhombic") {
      return unitCell(system, { a, b, c });
    }
    if (system === "monoclinic") {
      return unitCell(system, { a, b, c, beta: oblique(94, 120) });
    }
    const angles = { alpha: oblique(70, 115), beta: oblique(70, 115), gamma: oblique(70, 115) };
    if (
      distinct(angles.alpha, angles.beta) &&
      distinct(angles.beta, angles.gamma) &&
      distinct(angles.alpha, angles.gamma)
    ) {
      return unitCell(system, { a, b, c, ...angles });
    }
  }
}
