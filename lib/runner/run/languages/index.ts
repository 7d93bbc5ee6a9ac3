import { julia } from "./julia.ts";
import type { Language } from "./language.ts";
import { python } from "./python.ts";
import { r } from "./r.ts";
import { scala } from "./scala.ts";
import { script } from "./script.ts";

export {
  type Declaration,
  type Language,
  literalOf,
  type Parameter,
  UnwritableError,
  type ValueKind,
} from "./language.ts";
export { python, script };

const languages: readonly (readonly [RegExp, Language])[] = [
  [/^(typescript|javascript|ts|js)$/i, script],
  [/^i?python/i, python],
  [/^i?r$/i, r],
  [/^i?julia/i, julia],
  [/^scala/i, scala],
];

/** The languages that parameters can be written in, for messages. */
export const knownLanguages = "TypeScript, JavaScript, Python, R, Julia and Scala";

/** The language of a kernel, by the name that its kernelspec has for it; undefined for one that is not known. */
export function languageOf(name: string): Language | undefined {
  return languages.find(([pattern]) => pattern.test(name))?.[1];
}
