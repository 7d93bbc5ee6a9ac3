/** The public interface of the tslab kernel, so that its notebooks run unchanged: `import * as tslab from "tslab"`. */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { notebookIo } from "./notebook-io.ts";

/** tslab's methods, and the media type that each shows. */
const mediaTypes = {
  javascript: "text/javascript",
  html: "text/html",
  markdown: "text/markdown",
  latex: "text/latex",
  svg: "image/svg+xml",
  png: "image/png",
  jpeg: "image/jpeg",
  gif: "image/gif",
  pdf: "application/pdf",
  text: "text/plain",
};

type Content = string | Uint8Array | object;

export interface Display extends Record<keyof typeof mediaTypes, (content: Content) => void> {
  raw(contentType: string, content: Content): void;
}

/** The tslab whose interface this is, and what runs the cells in its place. */
export const versions = { tslab: "1.0.22", typescript: typescriptVersion(), node: process.version };

/** The version of the package that checks the cells; empty where there is none. */
function typescriptVersion(): string {
  const named = process.env.CONVBOOK_TYPESCRIPT;
  try {
    const manifest = named ? resolve(named, "package.json") : "typescript/package.json";
    const { version }: { version: string } = createRequire(import.meta.url)(manifest);
    return version;
  } catch {
    return "";
  }
}

function displayOf(show: (data: Record<string, unknown>) => void): Display {
  const raw = (contentType: string, content: Content) =>
    show({ [contentType]: content instanceof Uint8Array ? Buffer.from(content).toString("base64") : content });
  const named = Object.entries(mediaTypes).map(([name, type]) => [name, (content: Content) => raw(type, content)]);
  return { ...Object.fromEntries(named), raw };
}

/** A display of its own: the first call shows, each later one replaces what it showed. */
export function newDisplay(displayId: string = randomUUID()): Display {
  let update = false;
  return displayOf((data) => {
    notebookIo.display(data, { displayId, update });
    update = true;
  });
}

/** Shows one thing after another. */
export const display = displayOf((data) => notebookIo.display(data, {}));
