/** What a notebook kernel takes of this package: figures and curves, without what they are made from (no tensors are loaded). */
export { plotly } from "./display/plotly.ts";
export { vegaLite } from "./display/vega-lite.ts";
export { tensorBoard } from "./tensorboard/board.ts";
