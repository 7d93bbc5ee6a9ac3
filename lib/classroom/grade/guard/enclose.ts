/**
 * A cell of tests as a function: what it declares is out of reach of the code that it tests, and what it uses of the grader's is fetched before
 * that code runs. A notebook's names are properties of the global object otherwise, which a student's function could set while it is tested.
 */
import { tsPlugin } from "@sveltejs/acorn-typescript";
import { Parser } from "acorn";
import { declaredNames } from "./names.ts";

/** Names that a cell can declare for itself and for later ones, though they are JavaScript's, Node's or the kernel's; `eval` cannot be a parameter. */
const globals = [...Object.getOwnPropertyNames(globalThis), "display", "clearOutput", "require"].filter(
  (name, i, all) => name !== "eval" && /^[\w$]+$/.test(name) && all.indexOf(name) === i,
);

const parser = Parser.extend(tsPlugin());

/**
 * Encloses a cell.
 *
 * @param source TypeScript.
 * @param own Names of the grader's that earlier cells declared.
 * @param later Texts of the grader's later cells: where one uses what this cell declares, it is left as it is.
 * @returns Code whose value is the cell's; it is not checked for types again, which `make` has done.
 */
export function enclosed(source: string, own: readonly string[], later: readonly string[]): string {
  let body: readonly { readonly type: string; readonly start: number; readonly end: number }[];
  try {
    body = parser.parse(source, {
      ecmaVersion: "latest",
      sourceType: "module",
      locations: true,
      allowAwaitOutsideFunction: true,
    }).body;
  } catch {
    // Magics, or an error that the kernel explains.
    return source;
  }
  const imports = body.filter(({ type }) => type === "ImportDeclaration");
  const importText = imports.map(({ start, end }) => source.slice(start, end)).join("\n");
  const imported = declaredNames(importText);
  const declared = declaredNames(source).filter((name) => !imported.includes(name));
  const isUsed = (name: string, text: string) =>
    new RegExp(`(?<![\\w$.])${name.replaceAll("$", "\\$")}(?![\\w$])`).test(text);
  if (
    body.some(({ type }) => type.startsWith("Export")) ||
    declared.some((name) => later.some((text) => isUsed(name, text)))
  ) {
    return source;
  }
  const last = body.at(-1);
  let text = source;
  if (last?.type === "ExpressionStatement") {
    const expression = source.slice(last.start, last.end).replace(/;\s*$/, "");
    text = `${source.slice(0, last.start)}return (${expression}\n);${source.slice(last.end)}`;
  }
  for (const { start, end } of imports) {
    // Blanks of the same length, so that lines stay lines.
    text = text.slice(0, start) + source.slice(start, end).replace(/[^\n]/g, " ") + text.slice(end);
  }
  const names = [...new Set([...own, ...imported])].filter((name) => !declared.includes(name) && isUsed(name, source));
  const theirs = globals.filter((name) => !names.includes(name) && !declared.includes(name) && isUsed(name, source));
  const list = [...names, ...theirs].join(", ");
  const values = [...names, ...theirs.map((name) => `$classroomGlobals.${name}`)].join(", ");
  return `// @ts-nocheck\n${importText.replace(/\s*\n\s*/g, " ")}${importText === "" ? "" : "; "}await (async (${list}) => { "use strict"; ${text}\n})(${values});`;
}
