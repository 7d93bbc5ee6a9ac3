/** Training and evaluation modes of all modules, to be put back after an evaluation as they were. */
import type { AnyModule } from "../../nn/module.ts";

/** Remembers every module's mode. @returns puts them back */
export function rememberModes(root: AnyModule): () => void {
  const modes = root.modules().map((module) => [module, module.training] as const);
  return () => {
    for (const [module, training] of modes) {
      module.training = training;
    }
  };
}
