/** Which names a cell declares, for the cells after it. */

export interface CellNames {
  /** Variables of `let` and `var`, which later cells may assign. */
  readonly variables: readonly string[];
  /** Constants, functions, classes, enums, namespaces and imports. */
  readonly values: readonly string[];
  /** Names that are only types. */
  readonly types: readonly string[];
}

/** Replaces strings, comments and templates by blanks of the same length, so that words and braces can be counted. */
export function maskLiterals(source: string): string {
  return source.replace(
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g,
    (token) => token.replace(/[^\n]/g, " "),
  );
}

/** The names of declarations at the top level of TypeScript that exist as types: [keyword, name]. */
export function typeDeclarations(source: string): [keyword: string, name: string][] {
  const masked = maskLiterals(source);
  const found: [string, string][] = [];
  let depth = 0;
  const token = /[{}()[\]]|(?<![\w$.])(?<!import\s)(type|interface|class|enum|namespace|module)\s+([A-Za-z_$][\w$]*)/g;
  for (let match = token.exec(masked); match !== null; match = token.exec(masked)) {
    const [text, keyword, name] = match;
    if (keyword === undefined) {
      depth += "{([".includes(text) ? 1 : -1;
    } else if (depth === 0 && name !== undefined && !(keyword === "type" && /^(?:of|in|is|extends)$/.test(name))) {
      found.push([keyword, name]);
    }
  }
  return found;
}

/** Names that a cell imports as types only. */
function typeImports(source: string): string[] {
  const names: string[] = [];
  const masked = source.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, " ");
  const statement = /(?<![\w$.])import\s+(type\s+)?([^"'();]*?)\s+from\s*["']/g;
  for (let match = statement.exec(masked); match !== null; match = statement.exec(masked)) {
    const [, all, clause = ""] = match;
    const inner = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
    for (const part of inner.split(",")) {
      const words = part.trim().split(/\s+/);
      if (words[0] !== "" && (all !== undefined || words[0] === "type")) {
        names.push(words.at(-1) ?? "");
      }
    }
    if (all !== undefined) {
      const rest = clause.replace(/\{[^}]*\}/, "").replace(/\*\s*as\s+/, "");
      names.push(
        ...rest
          .split(",")
          .map((name) => name.trim())
          .filter((name) => name !== ""),
      );
    }
  }
  return names;
}

/**
 * Sorts the names of a cell.
 *
 * @param source The cell's TypeScript.
 * @param declared Its values, as the compiler found them in the JavaScript.
 * @param mutable Those of them that `let` or `var` declares there.
 */
export function cellNames(source: string, declared: readonly string[], mutable: readonly string[]): CellNames {
  const byKeyword = typeDeclarations(source);
  const solid = new Set(byKeyword.map(([, name]) => name));
  const values = new Set(declared);
  const onlyTypes = [...solid, ...typeImports(source)].filter((name) => !values.has(name));
  return {
    variables: mutable.filter((name) => !solid.has(name)),
    values: declared.filter((name) => solid.has(name) || !mutable.includes(name)),
    types: [...new Set(onlyTypes)],
  };
}

/** The identifiers that occur in a text, whatever they mean there. */
export function wordsOf(source: string): Set<string> {
  return new Set(source.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu) ?? []);
}
