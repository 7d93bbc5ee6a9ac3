/** Variants: the same assignment with other values, so that neighbours have something of their own to compute. */
import { createHash } from "node:crypto";
import { type Notebook, splitLines, tagsOf } from "nbconvert-ts-runner";
import { ClassroomError } from "../errors.ts";
import { type ClassSettings, languageOf, sourceOf, type VariantValues } from "../source/index.ts";

/**
 * The variant that a student gets: the same one on every machine, as long as the seed and the names of the variants stay.
 *
 * @param student The student's id, as the class has it.
 * @param settings The assignment's.
 * @returns Its name; null where there are no variants.
 */
export function variantOf(student: string, settings: Pick<ClassSettings, "seed" | "variants">): string | null {
  const names = Object.keys(settings.variants).sort();
  if (names.length === 0) {
    return null;
  }
  const digest = createHash("sha256")
    .update(`${settings.seed}\n${student.normalize("NFC")}`)
    .digest();
  return names[digest.readUInt32BE(0) % names.length] ?? null;
}

/**
 * A notebook with a variant's values: those of the variables in its cell tagged `parameters`, and where Markdown says `{{name}}`.
 *
 * @param notebook It is not changed.
 * @param path For messages.
 * @throws ClassroomError where a name is neither declared in the parameter cell nor named in Markdown.
 */
export function withValues(notebook: Notebook, values: VariantValues, path: string): Notebook {
  const copy = structuredClone(notebook);
  const isPython = languageOf(notebook) === "python";
  const parameters = copy.cells.find((cell) => cell.cell_type === "code" && tagsOf(cell).includes("parameters"));
  const used = new Set<string>();
  for (const cell of copy.cells) {
    if (cell.cell_type === "markdown") {
      const text = sourceOf(cell).replace(/\{\{\s*([\p{ID_Continue}$]+)\s*\}\}/gu, (written, name: string) => {
        if (!Object.hasOwn(values, name)) {
          return written;
        }
        used.add(name);
        return String(values[name]);
      });
      cell.source = splitLines(text);
    }
  }
  for (const [name, value] of Object.entries(values)) {
    const literal = isPython && typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value);
    const before = parameters === undefined ? "" : sourceOf(parameters);
    const after = withValue(before, name, literal);
    if (parameters !== undefined && after !== undefined) {
      parameters.source = splitLines(after);
      used.add(name);
    }
  }
  const unused = Object.keys(values).filter((name) => !used.has(name));
  if (unused.length > 0) {
    throw new ClassroomError(
      path,
      unused.map((name) =>
        parameters === undefined
          ? `has no cell tagged "parameters" that could declare ${name}`
          : `the cell tagged "parameters" has no line such as const ${name} = 1; and no text says {{${name}}}`,
      ),
    );
  }
  return copy;
}

/** A text whose line `name = …` has another value; what stands behind it stays. */
function withValue(source: string, name: string, literal: string): string | undefined {
  const pattern = new RegExp(
    `^([ \\t]*(?:export[ \\t]+)?(?:(?:const|let|var)[ \\t]+)?${name.replaceAll("$", "\\$")}(?:[ \\t]*:[^=\\n]+)?[ \\t]*=[ \\t]*)` +
      `("(?:[^"\\\\\\n]|\\\\.)*"|'(?:[^'\\\\\\n]|\\\\.)*'|[^;#,\\s"'][^;#,\\n]*?)([ \\t]*(?:;|#|//).*|[ \\t]*)$`,
    "m",
  );
  return pattern.test(source)
    ? source.replace(pattern, (_, before: string, _value: string, after: string) => before + literal + after)
    : undefined;
}
