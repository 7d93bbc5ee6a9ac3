/** The names that a grader's cell of TypeScript declares at its outermost level. */
import { isBuiltin } from "node:module";

/** Names that stay what the cell made them: functions, classes, constants, imports; not what `let` and `var` leave open. */
export function lastingNames(source: string): string[] {
  const names = new Set<string>();
  const text = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\/\/.*$/gm, "");
  const simple =
    /^(?:export\s+)?(?:async\s+)?(?:function\*?|(?:abstract\s+)?class|(?:const\s+)?enum|namespace)\s+([\w$]+)/gm;
  for (const [, name] of text.matchAll(simple)) {
    names.add(name as string);
  }
  for (const [, declared = ""] of text.matchAll(/^(?:export\s+)?const\s+([\w$]+)\s*[:=]/gm)) {
    names.add(declared);
  }
  for (const [, pattern = ""] of text.matchAll(/^(?:export\s+)?const\s*[{[]([^=]*?)[}\]]\s*=/gm)) {
    for (const part of pattern.split(",")) {
      names.add(/([\w$]+)\s*$/.exec(part)?.[1] ?? "");
    }
  }
  for (const [, clause = ""] of text.matchAll(/^import\s+(?!type\b)([^"';]*?)\s+from\s/gm)) {
    for (const part of clause.replace(/[{}]/g, ",").split(",")) {
      const name = /([\w$]+)\s*$/.exec(part)?.[1];
      if (name !== undefined && !/^\s*type\s/.test(part)) {
        names.add(name);
      }
    }
  }
  names.delete("");
  return [...names];
}

/** Whether an answer's text declares or sets a name, so that it is the student's to set. */
export function sets(source: string, name: string): boolean {
  const word = name.replaceAll("$", "\\$");
  return new RegExp(
    `(?:\\b(?:const|let|var|function\\*?|class|enum)\\s+${word}(?![\\w$])|(?<![\\w$.])${word}\\s*=(?![=>]))`,
  ).test(source);
}

/** All names that a cell declares, those of `let` and `var` too. */
export function declaredNames(source: string): string[] {
  const open = [...source.matchAll(/^(?:export\s+)?(?:let|var)\s+([\w$]+)/gm)].map(([, name]) => name as string);
  return [...new Set([...lastingNames(source), ...open])];
}

/** The packages whose values a cell imports at its outermost level; what is Node's own is held anyway. */
export function importedPackages(source: string): string[] {
  const found = [...source.matchAll(/^import\s+(?!type\b)[^"';]*?\s+from\s+["']([^"']+)["']/gm)].map(
    ([, name = ""]) => name,
  );
  return [...new Set(found)].filter((name) => !/^[./#]|^\w+:/.test(name) && !isBuiltin(name));
}
