/** The engine as one object: whether the native code is there, and what it runs on. */

/** Facts on the running engine. */
export interface EngineInfo {
  readonly isa: string;
  readonly threads: number;
}

export interface Engine {
  readonly available: boolean;
  readonly reason: string;
  info(): EngineInfo;
}

export const engine: Engine = {
  available: false,
  reason: "its native code is not built",
  info() {
    throw new Error("The native engine is not available: its native code is not built");
  },
};
