/** A model under a name: what its hyper-parameters must be, and how it is made. */
import type { AnyModule } from "../nn/index.ts";
import { integer, type Parsers } from "./hparam.ts";

/** What the registry knows of a model. */
export interface Entry<H, M extends AnyModule> {
  readonly parsers: Parsers<H>;
  readonly create: (hparams: H) => M;
  /** Size of the images that it is made for, [H, W, C]. */
  readonly inputShape: readonly number[];
}

/** An entry with its types. */
export const entry = <H, M extends AnyModule>(value: Entry<H, M>) => value;

/** A bound that keeps a hostile file from asking for a model that fills the memory. */
export const maxWidth = 65_536;

/** Parsers of what most models have. */
export const classes = integer(1, maxWidth);
export const width = integer(1, maxWidth);
export const count = integer(1, 1024);
