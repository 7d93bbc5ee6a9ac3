/** Reads the names and kinds of the parameters that a cell declares. */
import type { Language, Parameter, ValueKind } from "./languages/index.ts";

/** The parameters that the source of a parameter cell declares, in their order. */
export function parametersOf(source: string, language: Language): Parameter[] {
  return language.declarations(source.replaceAll("\r\n", "\n")).map((declared) => ({
    ...declared,
    kind:
      declared.type === undefined
        ? kindOf(declared.value?.trim() ?? "", language.defaults)
        : kindOfType(declared.type, language.types),
  }));
}

/** A type of several kinds, or of one that is not known, says nothing. */
function kindOfType(type: string, kinds: Language["types"]): ValueKind | undefined {
  const alternatives = (/^Optional\[(.*)\]$/s.exec(type)?.[1] ?? type)
    .split(/\|(?![^<([{]*[>)\]}])/)
    .map((part) => part.trim())
    .filter((part) => !/^(null|undefined|None|)$/.test(part));
  const [first, ...others] = alternatives.map((part) => kindOf(part, kinds));
  return others.every((kind) => kind === first) ? first : undefined;
}

function kindOf(text: string, kinds: Language["types"]): ValueKind | undefined {
  return kinds.find(([pattern]) => pattern.test(text))?.[1];
}
