/** The display API of the tslab kernel, so that its notebooks run unchanged: `import * as tslab from "tslab"`. */
import { notebookIo } from "./notebook-io.ts";

const texts = {
  html: "text/html",
  javascript: "application/javascript",
  latex: "text/latex",
  markdown: "text/markdown",
  svg: "image/svg+xml",
  text: "text/plain",
};
const images = { jpeg: "image/jpeg", png: "image/png", gif: "image/gif", pdf: "application/pdf" };

function emit(data: Record<string, unknown>, displayId: string | undefined, update: boolean): void {
  notebookIo.display(data, displayId === undefined ? {} : { displayId, update });
}

/** A display bound to an id: the first call shows, later ones replace. */
export function newDisplay(id?: string): Record<string, (...args: never[]) => void> {
  let shown = false;
  const put = (data: Record<string, unknown>, callId: string | undefined) => {
    emit(data, callId ?? id, callId === undefined && id !== undefined && shown);
    shown = true;
  };
  return {
    ...Object.fromEntries(
      Object.entries(texts).map(([name, type]) => [
        name,
        (text: string, callId?: string) => put({ [type]: text }, callId),
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(images).map(([name, type]) => [
        name,
        (bytes: Uint8Array, callId?: string) => put({ [type]: bytes }, callId),
      ]),
    ),
    raw: (type: string, value: string | Uint8Array | object) => put({ [type]: value }, undefined),
  };
}

export const display = { ...newDisplay(), create: newDisplay };
