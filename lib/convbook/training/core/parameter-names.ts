/** Parameters by the names that errors use. */
import type * as tf from "@tensorflow/tfjs-core";
import type { AnyModule } from "../../nn/module.ts";

/** The names of a module's parameters, by their variables. */
export function namesByVariable(module: AnyModule): Map<tf.Variable, string> {
  return new Map(module.namedParameters().map(([name, parameter]) => [parameter.variable, name]));
}
