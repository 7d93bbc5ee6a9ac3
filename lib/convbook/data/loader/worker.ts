/** A thread that prepares batches. */
import { parentPort } from "node:worker_threads";
import { Generator } from "../../random/index.ts";
import { DataError } from "../error.ts";
import { loadImageDecoders } from "../formats/image.ts";
import { hasImageFiles, openSource, type Source } from "../sources/source.ts";
import type { BatchTransform } from "../transforms/batch-transform.ts";
import { batchTransformFromSpec } from "../transforms/registry.ts";
import { prepareBatch } from "./prepare.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

interface Session {
  readonly source: Source;
  readonly batchTransform: BatchTransform | undefined;
  readonly generator: Generator;
}

/** What fails in opening is told with the first batch that is asked for. */
const sessions = new Map<number, Promise<Session>>();

async function open({ source, batchTransform, random }: Extract<ToWorker, { kind: "open" }>): Promise<Session> {
  if (hasImageFiles(source)) {
    await loadImageDecoders();
  }
  return {
    source: openSource(source),
    batchTransform: batchTransform === undefined ? undefined : batchTransformFromSpec(batchTransform),
    generator: new Generator(0).setState(random),
  };
}

async function prepare({
  session,
  request,
  indices,
  sourceIndices,
}: Extract<ToWorker, { kind: "batch" }>): Promise<void> {
  // A session that is closed meanwhile needs no answer.
  const opened = sessions.get(session);
  if (opened === undefined) {
    return;
  }
  try {
    const { source, batchTransform, generator } = await opened;
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
    case "open": {
      const session = open(message);
      session.catch(() => {});
      sessions.set(message.session, session);
      break;
    }
    case "batch":
      void prepare(message);
      break;
    case "close":
      sessions.delete(message.session);
      break;
  }
});
