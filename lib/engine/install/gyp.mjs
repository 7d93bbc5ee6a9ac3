// What binding.gyp says for a system and a processor: the sources of the module and of its instruction sets, with their flags. Other tools
// than node-gyp build from the same list.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The file as data: JSON with comments on lines of their own. */
function read(root) {
  const lines = readFileSync(join(root, "binding.gyp"), "utf8").split("\n");
  return JSON.parse(lines.filter((line) => !/^\s*#/.test(line)).join("\n"));
}

/** Whether a condition holds: comparisons of a variable with a text or a number, joined by "and". */
function holds(condition, variables) {
  return condition.split(" and ").every((part) => {
    const [, name, text, number] = /^(\w+)==(?:'(\w+)'|(\d+))$/.exec(part) ?? [];
    if (name === undefined || !Object.hasOwn(variables, name)) {
      throw new Error(`binding.gyp: the condition ${JSON.stringify(part)} is not understood`);
    }
    return variables[name] === (text ?? Number(number));
  });
}

/**
 * @param root the engine's folder
 * @param variables gyp's: target_arch ("x64", "arm64"), amx and onednn (0 or 1)
 * @returns the flags of all, and parts: sources with the flags that these have more
 */
export function buildPlan(root, variables) {
  const gyp = read(root);
  const all = gyp.target_defaults;
  const defines = [...all.defines];
  for (const [condition, more] of all.conditions) {
    if (holds(condition, variables)) {
      defines.push(...more.defines);
    }
  }
  const engine = gyp.targets.find(({ target_name }) => target_name === "engine");
  const wanted = engine.conditions.flatMap(([condition, { dependencies }]) =>
    holds(condition, variables) ? dependencies : [],
  );
  const libraries = gyp.conditions
    .flatMap(([, { targets }]) => targets)
    .filter(({ target_name }) => wanted.includes(target_name))
    .map(({ sources, cflags }) => ({ sources, flags: cflags }));
  return {
    flags: [
      ...all.cflags,
      ...all.cflags_cc,
      ...defines.map((name) => `-D${name}`),
      ...all.include_dirs.map((name) => `-I${name}`),
    ],
    parts: [{ sources: engine.sources, flags: [] }, ...libraries],
  };
}
