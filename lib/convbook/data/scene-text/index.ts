export { SceneTextDataset, type SceneTextOptions, type SceneTextSample } from "./dataset.ts";
export { CHARACTERS } from "./font.ts";
