/** What a TypeScript file imports, read from its text: types too, which leave no trace in the JavaScript. */

/**
 * Comments, strings and templates are passed over, but for a string that is what an import names. A dynamic import of a name
 * that is put together names nothing here.
 */
const token = (() => {
  const quoted = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`;
  const comment = String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`;
  const template = String.raw`\`(?:[^\`\\]|\\[\s\S])*\``;
  const before = String.raw`(?<![\w$.#])(?:from|import|import\s*\(|import\s+(?:type\s+)?[\w$]+\s*=\s*require\s*\()`;
  return new RegExp(
    String.raw`${before}(?:\s|${comment})*(?<specifier>${quoted})(?!\s*\+)|${comment}|${quoted}|${template}`,
    "g",
  );
})();

/** The modules that a file or a cell imports or exports from, each once, in order. */
export function specifiersOf(source: string): string[] {
  const found = new Set<string>();
  if (/\b(?:from|import)\b/.test(source)) {
    for (const { groups } of source.matchAll(token)) {
      if (groups?.specifier !== undefined) {
        found.add(groups.specifier.slice(1, -1));
      }
    }
  }
  return [...found];
}
