/** Whether what a forward pass uses belongs to the module: layers in `#private` fields and in variables outside cannot be found otherwise. */
import { UnregisteredModuleError } from "./errors.ts";
import type { AnyModule } from "./module.ts";
import type { Parameter } from "./parameter.ts";

let used: Set<object> | undefined;
const owners = new WeakMap<Parameter, { readonly owner: AnyModule; readonly name: string }>();

/** Says that a parameter's value is read, or that a module behaves by its mode. Costs nothing unless {@link requireOwn} watches. */
export function noteUse(thing: object): void {
  used?.add(thing);
}

/** Remembers the layer that a parameter is part of, for errors. */
export function setOwner(parameter: Parameter, owner: AnyModule, name: string): void {
  owners.set(parameter, { owner, name });
}

/**
 * Runs what uses a module, and makes sure that all that it trains, and all that a mode changes, belonged to the module before. Frozen parameters may come from
 * outside, as a teacher's do.
 *
 * @param module whose parts may be used
 * @param body a forward pass or a training step
 * @returns what it returned
 * @throws {UnregisteredModuleError} naming the layers that are no part of it
 */
export function requireOwn<T>(module: AnyModule, body: () => T): T {
  const before = used;
  // As optimizers see it: what the body itself makes comes too late for them, also in a field.
  const own = new Set<object>([...module.modules(), ...module.parameters()]);
  used = new Set();
  try {
    const result = body();
    const foreign = foreignParts(own, used);
    if (foreign.length > 0) {
      throw new UnregisteredModuleError(module.typeName, foreign);
    }
    return result;
  } finally {
    for (const thing of used) {
      before?.add(thing);
    }
    used = before;
  }
}

/** What was used and is not among a module's own parts, a line a layer. */
function foreignParts(own: ReadonlySet<object>, things: Iterable<object>): string[] {
  const titles = new Set<string>();
  for (const thing of things) {
    if (own.has(thing)) {
      continue;
    }
    if (!("requiresGrad" in thing)) {
      titles.add(`${thing}`);
    } else if (thing.requiresGrad === true) {
      titles.add(titleOf(thing as Parameter));
    }
  }
  return [...titles];
}

function titleOf(parameter: Parameter): string {
  const part = owners.get(parameter);
  return part === undefined ? `a Parameter [${parameter.shape.join(", ")}]` : `${part.owner}`;
}
