/** What the main thread and its workers tell each other. */

import type { DataErrorCode } from "../error.ts";
import type { SourceSpec } from "../sources/source.ts";
import type { BatchTransformSpec } from "../transforms/batch-transform.ts";
import type { RawBatch } from "./collate.ts";

export type ToWorker =
  /** Begins an epoch's part for this worker: where samples come from and where its random numbers begin. */
  | {
      readonly kind: "open";
      readonly session: number;
      readonly source: SourceSpec;
      readonly batchTransform: BatchTransformSpec | undefined;
      /** State of the generator that this worker's random numbers go on from. */
      readonly random: Uint8Array;
    }
  /** Asks for a batch: `sourceIndices` for the source, `indices` for messages. */
  | {
      readonly kind: "batch";
      readonly session: number;
      readonly request: number;
      readonly indices: Int32Array;
      readonly sourceIndices: Float64Array;
    }
  | { readonly kind: "close"; readonly session: number };

export type FromWorker =
  | { readonly kind: "batch"; readonly request: number; readonly batch: RawBatch; readonly state: Uint8Array }
  | {
      readonly kind: "error";
      readonly request: number;
      readonly code: DataErrorCode;
      readonly message: string;
      readonly stack: string | undefined;
      readonly index: number | undefined;
      readonly file: string | undefined;
    };
