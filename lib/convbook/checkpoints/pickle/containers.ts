/** What instructions add values to, if it is what they are for; anything else is a PickleRefusal. */
import { PickleRefusal, type PickleValue } from "./values.ts";

/** The list that values are appended to. */
export function asList(list: PickleValue): PickleValue[] {
  if (!Array.isArray(list) || Object.isFrozen(list)) {
    throw new PickleRefusal("forbidden", "APPEND is applied to something that is not a list");
  }
  return list;
}

/** The dict that an instruction adds entries to. */
export function asDict(dict: PickleValue, instruction: string): Map<PickleValue, PickleValue> {
  if (!(dict instanceof Map)) {
    throw new PickleRefusal("forbidden", `${instruction} is applied to something that is not a dict`);
  }
  return dict;
}

/** The set that members are added to. */
export function asSet(set: PickleValue): Set<PickleValue> {
  if (!(set instanceof Set)) {
    throw new PickleRefusal("forbidden", "ADDITEMS is applied to something that is not a set");
  }
  return set;
}
