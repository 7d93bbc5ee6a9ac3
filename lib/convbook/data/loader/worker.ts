/** A thread that prepares batches. */
import { parentPort } from "node:worker_threads";
import { Generator } from "../../random/index.ts";
import { DataError } from "../error.ts";
import { openSource, type Source } from "../sources/source.ts";
import type { BatchTransform } from "../transforms/batch-transform.ts";
import { batchTransformFromSpec } from "../transforms/registry.ts";
import { prepareBatch } from "./prepare.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

interface Session {
  readonly source: Source;
  readonly batchTransform: BatchTransform | undefined;
  readonly generator: Generator;
}

const sessions = new Map<number, Session | Error>();

function open({ source, batchTransform, random }: Extract<ToWorker, { kind: "open" }>): Session {
  return {
    source: openSource(source),
    batchTransform: batchTransform === undefined ? undefined : batchTransformFromSpec(batchTransform),
    generator: new Generator(0).setState(random),
  };
}

function prepare({ session, request, indices, sourceIndices }: Extract<ToWorker, { kind: "batch" }>): void {
  // A session that is closed meanwhile needs no answer.
  const opened = sessions.get(session);
  if (opened === undefined) return;
  try {
    if (opened instanceof Error) throw opened;
    const { source, batchTransform, generator } = opened;
    const batch = prepareBatch(source, sourceIndices, indices, batchTransform, generator);
    const state = generator.getState();
    const answer: FromWorker = { kind: "batch", request, batch, state };
    parentPort?.postMessage(answer, [batch.data.buffer, batch.labels.buffer, state.buffer] as ArrayBuffer[]);
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    const known = failure instanceof DataError ? failure : undefined;
    const cause = failure.cause instanceof Error ? failure.cause : failure;
    const answer: FromWorker = {
      kind: "error",
      request,
      code: known?.code ?? "worker",
      message: failure.message,
      stack: cause.stack,
      index: known?.index,
      file: known?.file,
    };
    parentPort?.postMessage(answer);
  }
}

parentPort?.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "open":
      try {
        sessions.set(message.session, open(message));
      } catch (error) {
        // Told with the first batch that is asked for.
        sessions.set(message.session, error instanceof Error ? error : new Error(String(error)));
      }
      break;
    case "batch":
      prepare(message);
      break;
    case "close":
      sessions.delete(message.session);
      break;
  }
});
