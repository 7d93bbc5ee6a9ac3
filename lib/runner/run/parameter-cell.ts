/** Reads the names and kinds of the parameters that a cell declares. */
import type { Language, Parameter, ValueKind } from "./languages/index.ts";

/** The parameters that the source of a parameter cell declares, in their order. */
export function parametersOf(source: string, language: Language): Parameter[] {
  return source.split("\n").flatMap((line) => {
    // A declaration inside of a block is not a parameter; top level lines are not indented.
    const match = language.declaration.exec(line);
    if (match === null) {
      return [];
    }
    const { keyword, name = "", type, value = "" } = match.groups ?? {};
    const kind = kindOf(type?.trim(), language.types) ?? kindOf(value, language.defaults);
    return [{ name, constant: keyword === "const", kind, defaultText: value }];
  });
}

function kindOf(text: string | undefined, kinds: Language["types"]): ValueKind | undefined {
  return text === undefined ? undefined : kinds.find(([pattern]) => pattern.test(text))?.[1];
}
