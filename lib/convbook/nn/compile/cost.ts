/** Where a program pays. */
import type { Region } from "./lower.ts";

/** Whether a part of a graph is to run as a program of the engine. */
export function paysAsProgram(_region: Region, _training: boolean): boolean {
  return true;
}
