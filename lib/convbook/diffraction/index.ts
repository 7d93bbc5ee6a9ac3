/**
 * Powder diffraction: patterns and data sets from physics, and what comes after training a classifier on them.
 *
 * @module
 */
export {
  type Atom,
  BRAVAIS_LATTICES,
  type BravaisLattice,
  bravaisLatticeOfSpaceGroup,
  type Centring,
  type Crystal,
  type CrystalSystem,
  CU_K_ALPHA1,
  createTrainAndValidation,
  type DiffractionCategory,
  DiffractionDataset,
  type DiffractionDatasetOptions,
  type Drawn,
  type GeneratorOptions,
  generatePatterns,
  isAllowed,
  type LabelledPatterns,
  latticePoints,
  loadPatterns,
  lorentzPolarisation,
  type PatternOptions,
  type PatternSplit,
  planeSpacing,
  powderPattern,
  type Reflection,
  type ReflectionOptions,
  randomCell,
  randomCrystal,
  reflections,
  type SavedPatternSplit,
  type SplitOptions,
  savePatterns,
  type UnitCell,
  unitCell,
} from "../data/diffraction/index.ts";
export {
  type Analytics,
  type AnalyticsOptions,
  loadTrainingAnalytics,
  returnAnalytics,
  saveTrainingAnalytics,
  type TrainingAnalytics,
} from "./analytics.ts";
export { type PatternFigureOptions, patternFigure } from "./pattern-figure.ts";
