export {
  BRAVAIS_LATTICES,
  type BravaisLattice,
  bravaisLatticeOfSpaceGroup,
  type Centring,
  type CrystalSystem,
  isAllowed,
  latticePoints,
} from "./bravais.ts";
export { planeSpacing, randomCell, type UnitCell, unitCell } from "./cell.ts";
export {
  type DiffractionCategory,
  DiffractionDataset,
  type DiffractionDatasetOptions,
  loadPatterns,
  savePatterns,
} from "./dataset.ts";
export {
  type Drawn,
  type GeneratorOptions,
  generatePatterns,
  type LabelledPatterns,
  type PatternOptions,
  powderPattern,
  randomCrystal,
} from "./pattern.ts";
export {
  type Atom,
  type Crystal,
  CU_K_ALPHA1,
  lorentzPolarisation,
  type Reflection,
  type ReflectionOptions,
  reflections,
} from "./reflections.ts";
export {
  checkTag,
  createTrainAndValidation,
  type PatternSplit,
  patternFiles,
  type SavedPatternSplit,
  type SplitOptions,
} from "./split.ts";
