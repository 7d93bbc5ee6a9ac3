/** PyTorch's and Lightning's names of saved state, and ours. */

const toSnake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamel = (name: string) => name.replaceAll(/(?<=.)_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Scheduler state whose names differ by more than their spelling. */
const pythonNames: Readonly<Record<string, string>> = {
  lastLr: "_last_lr",
  badSteps: "num_bad_epochs",
  cooldownLeft: "cooldown_counter",
  length: "T_i",
  position: "T_cur",
  schedulers: "_schedulers",
};
const ownNames = Object.fromEntries(Object.entries(pythonNames).map(([own, python]) => [python, own]));

/** An object's keys as Python spells them. */
export function keysToSnake(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [toSnake(key), value]));
}

/** A map's keys as we spell them. */
export function keysToCamel(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries([...entries].map(([key, value]) => [toCamel(key), value]));
}

/** A scheduler's state as PyTorch's scheduler of the same name takes it. */
export function schedulerToPython(state: object): Record<string, unknown> {
  const renamed = Object.entries(state).map(([key, value]) => [
    pythonNames[key] ?? toSnake(key),
    key === "schedulers" ? (value as object[]).map(schedulerToPython) : value,
  ]);
  const { lastEpoch } = state as { lastEpoch?: number };
  // PyTorch counts the constructor's step, and warns where nothing has counted.
  return { ...Object.fromEntries(renamed), ...(lastEpoch === undefined ? {} : { _step_count: lastEpoch + 1 }) };
}

/** The state of a PyTorch scheduler as ours of the same name takes it. */
export function schedulerFromPython(state: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => {
      const own = ownNames[key] ?? toCamel(key);
      return [own, own === "schedulers" ? (value as Record<string, unknown>[]).map(schedulerFromPython) : value];
    }),
  );
}
