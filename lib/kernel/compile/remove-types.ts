/** TypeScript to JavaScript, text by text: esbuild on cells and modules. */
import { createRequire } from "node:module";
import type { Message as EsbuildMessage, TransformOptions, TransformResult } from "esbuild";

/** A cell that is not TypeScript: position and text of the first error. Lines and columns count from 1, in UTF-16. */
export class CellSyntaxError extends Error {
  override readonly name = "SyntaxError";
  readonly line: number;
  readonly column: number;
  readonly length: number;

  constructor(message: string, line: number, column: number, length: number) {
    super(message);
    this.line = line;
    this.column = column;
    this.length = length;
  }
}

/** Compiler options of the notebook's tsconfig.json that change what code is emitted. */
export interface EmitOptions {
  readonly experimentalDecorators?: boolean;
  readonly useDefineForClassFields?: boolean;
  readonly jsx?: "react" | "react-jsx" | "react-jsxdev" | "preserve";
  readonly jsxFactory?: string;
  readonly jsxFragmentFactory?: string;
  readonly jsxImportSource?: string;
}

/** Starts esbuild, so that the first cell does not wait for it. */
export function warmCompiler(): void {
  removeTypes("0", {}).catch(() => {});
}

/** What a text is; JSON becomes a module of its properties. */
export type Loader = "ts" | "tsx" | "json";

export interface PlainJavaScript {
  readonly code: string;
  /** Source map to the TypeScript. */
  readonly map: string;
  readonly jsx: boolean;
}

/** esbuild on one cell or module: types, enums, namespaces, decorators, JSX and `using` become JavaScript. */
export async function removeTypes(
  text: string,
  options: EmitOptions,
  loader?: Loader,
  keepImports = true,
): Promise<PlainJavaScript> {
  const { transform } = await import("esbuild");
  const settings = settingsFor(options, keepImports);
  const as = (one: Loader) => transform(text, { ...settings, loader: one }).then(result(one));
  try {
    if (loader !== undefined) {
      return await as(loader);
    }
    try {
      return await as("ts");
    } catch (error) {
      if (!/<\/|\/>/.test(text)) {
        throw error;
      }
      return await as("tsx").catch(() => Promise.reject(error));
    }
  } catch (error) {
    throw syntaxError(text, error as Error);
  }
}

/** The same for a module, at once: where Node waits for it. `more` are esbuild's settings for its form. */
export function removeTypesNow(
  text: string,
  options: EmitOptions,
  loader: Loader,
  more: TransformOptions = {},
): PlainJavaScript {
  const { transformSync } = createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  try {
    return result(loader)(transformSync(text, { ...settingsFor(options, false), ...more, loader }));
  } catch (error) {
    throw syntaxError(text, error as Error);
  }
}

function settingsFor(options: EmitOptions, keepImports: boolean): TransformOptions & { sourcemap: "external" } {
  return {
    target: "node20",
    sourcemap: "external",
    sourcefile: "cell",
    sourcesContent: false,
    logLevel: "silent",
    // An import that only a later cell uses must stay.
    tsconfigRaw: { compilerOptions: { ...options, jsx: options.jsx ?? "react", verbatimModuleSyntax: keepImports } },
  };
}

function result(loader: Loader): (result: TransformResult) => PlainJavaScript {
  return ({ code, map }) => ({ code, map, jsx: loader === "tsx" });
}

function syntaxError(text: string, error: Error & { errors?: EsbuildMessage[] }): Error {
  const message = error.errors?.[0];
  if (message === undefined) {
    return error;
  }
  const { line = 1, column = 0, length = 1 } = message.location ?? {};
  // esbuild counts columns in UTF-8 bytes.
  const source = Buffer.from(text.split("\n")[line - 1] ?? "");
  return new CellSyntaxError(
    message.text,
    line,
    source.subarray(0, column).toString().length + 1,
    Math.max(1, source.subarray(column, column + length).toString().length),
  );
}
