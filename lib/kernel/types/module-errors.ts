/** The type errors of the user's modules, which are files on disk. */
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { configOf } from "../modules/project.ts";
import { errorsOf, type LspDiagnostic, languageOf, located, type TypeDiagnostic } from "./diagnostics.ts";
import type { LspClient } from "./lsp-client.ts";
import { textOf } from "./reached.ts";
import type { NotebookConfig } from "./tsconfig.ts";

/**
 * Finds the errors of modules as the notebook's project sees them. What the project of a module that has one of its own allows is
 * no error: a module of a folder that is checked less strictly stays what it is there.
 *
 * @param files The modules; they are not open in the server.
 */
export async function moduleErrors(
  client: LspClient,
  { tolerated, file: notebooks }: NotebookConfig,
  files: Iterable<string>,
): Promise<TypeDiagnostic[]> {
  const all = await Promise.all(
    [...files].map(async (file) => ({ file, errors: await errorsOf(client, pathToFileURL(file).href) })),
  );
  const found: TypeDiagnostic[] = [];
  for (const { file, errors } of all) {
    let told = errors.filter(({ code }) => !tolerated.has(Number(code)));
    if (told.length > 0) {
      const text = textOf(file);
      const project = configOf(dirname(file));
      if (project !== undefined && project !== notebooks) {
        const own = new Set((await errorsInOwnProject(client, file, text)).map(placeOf));
        told = told.filter((error) => own.has(placeOf(error)));
      }
      found.push(...located(told, text, 0).map((error) => ({ ...error, module: { file, text } })));
    }
  }
  return found;
}

/** The server looks for the project of a file that is open. */
async function errorsInOwnProject(client: LspClient, file: string, text: string): Promise<LspDiagnostic[]> {
  const uri = pathToFileURL(file).href;
  client.notify("textDocument/didOpen", { textDocument: { uri, languageId: languageOf(file), version: 1, text } });
  try {
    return await errorsOf(client, uri);
  } finally {
    client.notify("textDocument/didClose", { textDocument: { uri } });
  }
}

function placeOf({ code, range: { start } }: LspDiagnostic): string {
  return `${code} ${start.line}:${start.character}`;
}
