/** Both sides on one thread: what a core does, without what it takes to share work. */
import { engine } from "@convbook/engine";
import type { Options, Section } from "./options.ts";
import { speed } from "./speed.ts";

export async function single(options: Options): Promise<Section> {
  engine.setThreads(1);
  try {
    return { ...(await speed({ ...options, profile: false })), title: "One thread" };
  } finally {
    engine.setThreads(options.threads);
  }
}
