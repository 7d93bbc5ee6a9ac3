/**
 * Looking into a network: kernels, feature maps, and what in a picture decided. All results display as figures.
 *
 * @module
 */
export { activationMaximization, type MaximizationOptions, MaximizedInputs } from "./activation-maximization.ts";
export { Attribution, type AttributionFigureOptions } from "./attribution.ts";
export { ConfusedLogits, type Confusion, confusedLogits } from "./confused-logits.ts";
export { InterpretError } from "./errors.ts";
export { FeatureMaps, featureMaps, type LayerMaps } from "./feature-maps.ts";
export { type FilterOptions, filters } from "./filters.ts";
export { type GradCamOptions, gradCam } from "./grad-cam.ts";
export {
  type ActivationStatisticsOptions,
  activationStatistics,
  gradientStatistics,
  type LayerNumbers,
  LayerStatistics,
  type StatisticsOptions,
} from "./layer-statistics.ts";
export {
  type DirectionNormalization,
  LossSurface,
  type LossSurfaceFigureOptions,
  type LossSurfaceOptions,
  lossSurface,
} from "./loss-surface.ts";
export type { ImageModel, LayerRef } from "./model.ts";
export { type OcclusionOptions, occlusionMap } from "./occlusion.ts";
export { FilterPlots, type PlotFiltersOptions, plotFilters } from "./plot-filters.ts";
export { type AttributionOptions, saliency } from "./saliency.ts";
