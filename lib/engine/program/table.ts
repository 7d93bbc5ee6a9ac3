/**
 * How a program is written down as numbers, field by field, in order. The native code reads it by tables of its own (native/program/program_table.h), which
 * are compared with these when it is loaded.
 */
import { activations } from "../native-numbers.ts";
import type { Program, ProgramBuffer, ProgramNorm, ProgramOperation } from "./description.ts";
import { programKinds } from "./description.ts";

/** Fields by their names: what is written for each. */
type Fields<T> = Readonly<Record<string, (part: T) => number>>;

/** A program, and how many inputs behind x and how many variables with running statistics it is run with. */
interface Header extends Program {
  readonly inputs: number;
  readonly running: number;
}

const header: Fields<Header> = {
  buffers: ({ buffers }) => buffers.length,
  norms: ({ norms }) => norms.length,
  operations: ({ operations }) => operations.length,
  output: ({ output }) => output,
  trainable: ({ inputs }) => inputs,
  parameters: ({ inputs, running }) => inputs + running,
};

const buffer: Fields<ProgramBuffer> = {
  height: ({ height }) => height,
  width: ({ width }) => width,
  channels: ({ channels }) => channels,
};

const norm: Fields<ProgramNorm> = {
  buffer: (entry) => entry.buffer,
  offset: ({ offset }) => offset,
  channels: ({ channels }) => channels,
  gamma: ({ gamma }) => gamma,
  beta: ({ beta }) => beta,
  relu: ({ relu }) => (relu ? 1 : 0),
  mean: ({ mean }) => mean,
  variance: ({ variance }) => variance,
};

const normNumbers: Fields<ProgramNorm> = {
  epsilon: ({ epsilon }) => epsilon,
  share: ({ share }) => share,
};

const operation: Fields<ProgramOperation> = {
  kind: ({ kind }) => programKinds.indexOf(kind),
  source: ({ source }) => source,
  sourceOffset: ({ sourceOffset }) => sourceOffset,
  inChannels: ({ inChannels }) => inChannels,
  norm: (entry) => entry.norm,
  target: ({ target }) => target,
  targetOffset: ({ targetOffset }) => targetOffset,
  outChannels: ({ outChannels }) => outChannels,
  residual: ({ residual }) => residual,
  filterHeight: ({ filter }) => filter[0],
  filterWidth: ({ filter }) => filter[1],
  strideHeight: ({ strides }) => strides[0],
  strideWidth: ({ strides }) => strides[1],
  padTop: ({ pad }) => pad[0],
  padLeft: ({ pad }) => pad[1],
  activation: ({ activation }) => activations[activation],
  weight: ({ weight }) => weight,
  bias: ({ bias }) => bias,
  fold: ({ fold }) => fold,
};

/** What a program can be run for. */
export const programModes = { infer: 0, forward: 1, backward: 2 } as const;

/** Names of all that is numbered or ordered, for the comparison with the native code's. */
export const programTables: Readonly<Record<string, readonly string[]>> = {
  programModes: Object.keys(programModes),
  programKinds,
  programHeader: Object.keys(header),
  programBuffer: Object.keys(buffer),
  programNorm: Object.keys(norm),
  programNormNumbers: Object.keys(normNumbers),
  programOperation: Object.keys(operation),
};

/** A program as the native code reads it. */
export interface EncodedProgram {
  readonly ints: Int32Array;
  readonly numbers: Float32Array;
}

function written<T>(fields: Fields<T>, parts: readonly T[]): number[] {
  const all = Object.values(fields);
  return parts.flatMap((part) => all.map((field) => field(part)));
}

const encoded = new WeakMap<Program, EncodedProgram>();

/**
 * Writes a program down: parameters are numbered from the inputs behind x on, then those with running statistics.
 *
 * @param inputs number of inputs behind x
 * @param running number of variables with running statistics
 */
export function encode(program: Program, inputs: number, running: number): EncodedProgram {
  const known = encoded.get(program);
  if (known !== undefined) {
    return known;
  }
  const place = (index: number): number => (index < 0 || running === 0 ? index : inputs + index);
  const norms = program.norms.map((entry) => ({ ...entry, mean: place(entry.mean), variance: place(entry.variance) }));
  const ints = [
    ...written(header, [{ ...program, inputs, running }]),
    ...written(buffer, program.buffers),
    ...written(norm, norms),
    ...written(operation, program.operations),
  ];
  const result = { ints: Int32Array.from(ints), numbers: Float32Array.from(written(normNumbers, norms)) };
  encoded.set(program, result);
  return result;
}
