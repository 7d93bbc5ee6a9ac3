/** Figures, tables and progress in a notebook, and their text outside of one. */

export { Flowchart, type FlowchartOptions, flowchart } from "./diagram/flowchart.ts";
export type { FlowBox, FlowColor, FlowEdge, FlowGroup, FlowLine, FlowNode } from "./diagram/nodes.ts";
export { clearOutput, type DisplayHandle, type DisplayOptions, display } from "./display.ts";
export { DisplayError } from "./errors.ts";
export { type BarsOptions, bars } from "./figures/bars.ts";
export { type CurvesOptions, curves, type FigureOptions } from "./figures/curves.ts";
export { type ConfusionMatrixOptions, confusionMatrixFigure, type HeatmapOptions, heatmap } from "./figures/heatmap.ts";
export { type HistogramOptions, histogram } from "./figures/histogram.ts";
export { type LinkedCurvesOptions, linkedCurves } from "./figures/linked-curves.ts";
export { type ScatterOptions, type ScatterPoint, scatter } from "./figures/scatter.ts";
export type { Numbers, SeriesData } from "./figures/series.ts";
export { ImageGrid, type ImageGridOptions, type ImageTitle, imageGrid } from "./image-grid.ts";
export type { ImageArray, ImageLike, ImageTensor, PixelScaling } from "./images.ts";
export { LiveFigure, type LiveOptions, liveFigure } from "./live.ts";
export {
  displaySymbol,
  isShowable,
  type JsonValue,
  type MimeBundle,
  type MimeMetadata,
  metadataSymbol,
  type Showable,
  toMimeBundle,
} from "./mime.ts";
export type { Named } from "./named.ts";
export { PlotlyFigure, type PlotlyLayout, type PlotlyOptions, type PlotlyTrace, plotly } from "./plotly.ts";
export { encodePng, type Pixels } from "./png.ts";
export { Progress, type ProgressIterable, type ProgressOptions, progress } from "./progress.ts";
export { type CellFormat, Table, type TableOptions, type TableRow, table } from "./table.ts";
export type { NotebookIo } from "./transport.ts";
export { VegaLiteFigure, type VegaLiteOptions, type VegaLiteSpec, vegaLite } from "./vega-lite.ts";
