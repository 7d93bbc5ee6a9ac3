export { type Engine, type EngineInfo, engine } from "./engine.ts";
