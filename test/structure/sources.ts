/** The sources of all packages, parsed: what each imports, and how many casts it has. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** The file of ours that it is, relative to the root. */
  readonly file: string | undefined;
  /** `type`: gone when the program runs; `late`: `import()`, which takes no part in the order in which modules are evaluated. */
  readonly kind: "value" | "type" | "late";
}

export interface Source {
  /** Relative to the root, with slashes. */
  readonly path: string;
  /** engine, mpi, kernel, runner, classroom or convbook. */
  readonly packageName: string;
  readonly lines: number;
  /** `x as T`, `as const` left out. */
  readonly casts: number;
  /** `any` in types. */
  readonly anys: number;
  readonly imports: readonly Import[];
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** All sources below lib, tests left out. */
export function readSources(): readonly Source[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "lib"], {
    cwd: root,
    encoding: "utf8",
  });
  const paths = listed.split("\n").filter((path) => /\.[cm]?tsx?$/.test(path) && !/\.(test|d)\.[cm]?ts$/.test(path));
  const known = new Set(paths);
  return paths.map((path) => readSource(path, known));
}

function readSource(path: string, known: ReadonlySet<string>): Source {
  const text = readFileSync(`${root}/${path}`, "utf8");
  const { program, errors } = parseSync(path, text, { lang: "ts" });
  if (errors.length > 0) {
    throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  }
  const imports: Import[] = [];
  let casts = 0;
  let anys = 0;
  const note = (source: unknown, kind: Import["kind"]) => {
    if (!isNode(source) || typeof source.value !== "string") {
      return;
    }
    const file = posix.join(dirname(path), source.value);
    imports.push({
      specifier: source.value,
      file: source.value.startsWith(".") && known.has(file) ? file : undefined,
      kind,
    });
  };
  for (const node of nodesOf(program)) {
    switch (node.type) {
      case "TSAsExpression":
        if (!isConst(node.typeAnnotation)) {
          casts++;
        }
        break;
      case "TSTypeAssertion":
        casts++;
        break;
      case "TSAnyKeyword":
        anys++;
        break;
      case "ImportDeclaration":
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
        note(node.source, isTypeOnly(node) ? "type" : "value");
        break;
      case "ImportExpression":
        note(node.source, "late");
        break;
      case "TSImportType":
        note(node.source, "type");
        break;
    }
  }
  return { path, packageName: path.split("/")[1] ?? "", lines: text.split("\n").length, casts, anys, imports };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** A node and everything below it. */
function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== "object" || value === null) {
    return;
  }
  if (isNode(value)) {
    yield value;
  }
  for (const child of Object.values(value)) {
    yield* nodesOf(child);
  }
}

function isConst(type: unknown): boolean {
  return isNode(type) && isNode(type.typeName) && type.typeName.name === "const";
}

function isTypeOnly(node: Node): boolean {
  if (node.importKind === "type" || node.exportKind === "type") {
    return true;
  }
  const names = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  return names.length > 0 && names.every((name) => name.importKind === "type" || name.exportKind === "type");
}
