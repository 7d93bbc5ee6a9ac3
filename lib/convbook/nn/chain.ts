/**
 * What a chain of layers takes and gives, read off their forward passes by the type checker.
 *
 * A layer that gives an X for an X keeps it, whatever its signature says besides, so that `forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R>`
 * needs no mark. A layer that gives a plain `tf.Tensor` leaves the rank open; what follows it is not refused, and says again which rank it gives.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { AnyModule, ForwardHook } from "./module.ts";

type IsAny<T> = 0 extends 1 & T ? true : false;

type IsUnion<T, Each = T> = [T] extends [never]
  ? false
  : true extends (Each extends unknown ? ([T] extends [Each] ? false : true) : never)
    ? true
    : false;

/** The rank of a tensor, never for anything else. */
type RankOf<X> = X extends tf.Tensor ? X["rankType"] : never;

/** What a layer's class says that it takes. */
type DeclaredInput<M extends AnyModule> =
  Parameters<M["registerForwardHook"]>[0] extends ForwardHook<infer In, infer _> ? In[0] : never;

/** What one layer takes: what its forward pass says, or its class, whichever says more. */
type InputOfOne<M extends AnyModule, X = Parameters<M["forward"]>[0]> =
  IsAny<X> extends true
    ? tf.Tensor
    : [X] extends [tf.Tensor]
      ? DeclaredInput<M> extends X
        ? DeclaredInput<M>
        : tf.Tensor<RankOf<X>>
      : X;

/** What a layer takes; of one that may be of several classes, what they all take. */
type InputOf<M extends AnyModule> =
  IsUnion<M> extends true
    ? (M extends AnyModule ? (x: InputOfOne<M>) => void : never) extends (x: infer X) => void
      ? [X] extends [tf.Tensor]
        ? tf.Tensor<RankOf<X>>
        : X
      : never
    : InputOfOne<M>;

/** What a layer gives for an X. */
type OutputFor<M extends AnyModule, X> =
  IsAny<ReturnType<M["forward"]>> extends true
    ? tf.Tensor
    : ReturnType<M["forward"]> extends X
      ? ReturnType<M["forward"]>
      : M["forward"] extends (x: X) => X
        ? X
        : ReturnType<M["forward"]>;

/** What the layers after one another take: the narrowest of what those take that only layers before them that keep it. */
type InputOfAll<L extends readonly unknown[], X = tf.Tensor> = L extends readonly [
  infer M extends AnyModule,
  ...infer Rest,
]
  ? (InputOf<M> extends X ? InputOf<M> : X) extends infer N
    ? [OutputFor<M, N>, N] extends [N, OutputFor<M, N>]
      ? InputOfAll<Rest, N>
      : N
    : never
  : X;

/** What the layers after one another give for an X. */
type OutputOfAll<L extends readonly unknown[], X> = L extends readonly [infer M extends AnyModule, ...infer Rest]
  ? OutputOfAll<Rest, OutputFor<M, X>>
  : X;

/** A chain's types: what it takes, of which ranks it gives the rank that it is given, and what it gives for others. */
interface Passage {
  readonly takes: unknown;
  readonly keeps: tf.Rank;
  readonly gives: unknown;
}

/**
 * What is taken by whoever takes tensors of some ranks, and is given one of rank R: that one where it fits, or where the types do not know its rank, which
 * then is checked when it comes.
 */
export type Taken<Ranks extends tf.Rank, R extends tf.Rank> = tf.Rank extends Ranks
  ? tf.Tensor<R>
  : tf.Rank extends R
    ? tf.Tensor<R>
    : [R] extends [Ranks]
      ? tf.Tensor<R>
      : tf.Tensor<Ranks>;

/** What is given by whoever keeps the rank of tensors of some ranks, and is given one of rank R. */
export type Given<Ranks extends tf.Rank, R extends tf.Rank> = [R] extends [Ranks] ? tf.Tensor<R> : tf.Tensor<Ranks>;

/** Of these ranks those that the layers give back. */
type RanksKept<L extends readonly unknown[], R extends tf.Rank> = R extends tf.Rank
  ? OutputOfAll<L, tf.Tensor<R>> extends tf.Tensor<R>
    ? R
    : never
  : never;

/** Where there is one rank, there is nothing to keep: it is said. Where every rank is taken, one that no layer asks for stands for all. */
type TuplePassage<L extends readonly unknown[], X> = {
  readonly takes: X;
  readonly gives: OutputOfAll<L, X>;
  readonly keeps: IsUnion<RankOf<X>> extends false
    ? never
    : tf.Rank extends RankOf<X>
      ? [RanksKept<L, tf.Rank.R6>] extends [never]
        ? never
        : tf.Rank
      : RanksKept<L, RankOf<X>>;
};

/** Of these ranks those that each of the layers takes. */
type RanksTakenByEach<M extends AnyModule, R extends tf.Rank> = R extends tf.Rank
  ? [M["forward"]] extends [(x: tf.Tensor<R>) => unknown]
    ? R
    : never
  : never;

/** Of these ranks those that each of the layers takes and gives. */
type RanksKeptByEach<M extends AnyModule, R extends tf.Rank> = R extends tf.Rank
  ? [M["forward"]] extends [(x: tf.Tensor<R>) => tf.Tensor<R>]
    ? R
    : never
  : never;

type OpenPassage = { readonly takes: tf.Tensor; readonly keeps: never; readonly gives: tf.Tensor };

/** Layers whose number and order are not known: each may come first, and each may come last. */
type ListPassage<M extends AnyModule> = true extends (M extends unknown ? IsAny<ReturnType<M["forward"]>> : never)
  ? OpenPassage
  : RanksTakenByEach<M, tf.Rank> extends infer R extends tf.Rank
    ? [R] extends [never]
      ? OpenPassage
      : {
          readonly takes: tf.Tensor<R>;
          readonly gives: [R] extends [RanksKeptByEach<M, R>] ? tf.Tensor<R> : tf.Tensor;
          readonly keeps: IsUnion<R> extends false ? never : RanksKeptByEach<M, R>;
        }
    : never;

type PassageOf<L extends readonly AnyModule[]> = number extends L["length"]
  ? ListPassage<L[number]>
  : TuplePassage<L, InputOfAll<L>>;

/** The ranks that layers one after the other take. */
export type ChainRanks<L extends readonly AnyModule[]> = RankOf<PassageOf<L>["takes"]>;

/** What layers one after the other take, given a tensor of rank R. */
export type ChainInput<L extends readonly AnyModule[], R extends tf.Rank> = Taken<ChainRanks<L>, R>;

/** What layers one after the other give for a tensor of rank R. */
export type ChainOutput<L extends readonly AnyModule[], R extends tf.Rank> = GivenBy<PassageOf<L>, R>;

type GivenBy<P extends Passage, R extends tf.Rank> = [P["keeps"]] extends [never]
  ? P["gives"]
  : tf.Rank extends P["keeps"]
    ? tf.Tensor<R>
    : [R] extends [P["keeps"]]
      ? tf.Tensor<R>
      : P["gives"];

/** A layer's place in a chain to which it does not fit; the text says why. */
export interface WrongLink<Why extends string> {
  readonly "wrong link": Why;
}

type RankNames = [["R0", "Scalar"], ...Dimensions];
type Dimensions = [["R1", "1D"], ["R2", "2D"], ["R3", "3D"], ["R4", "4D"], ["R5", "5D"], ["R6", "6D"]];

/** "Tensor2D or Tensor3D". */
type NamesOf<R extends tf.Rank, Names = RankNames, Text extends string = ""> = Names extends [
  [infer Name extends string, infer Digits extends string],
  ...infer Rest,
]
  ? Name extends `${R}`
    ? NamesOf<R, Rest, `${Text}${Text extends "" ? "" : " or "}${Digits extends "Scalar" ? "" : "Tensor"}${Digits}`>
    : NamesOf<R, Rest, Text>
  : Text;

type NameOf<X> = [X] extends [never]
  ? "nothing"
  : [X] extends [tf.Tensor]
    ? tf.Rank extends RankOf<X>
      ? "Tensor"
      : NamesOf<RankOf<X>>
    : "what is no tensor";

/** The layer itself where it takes what it is given there: the same type, or a tensor whose rank may be one that it takes. */
type Link<M extends AnyModule, X> = M["forward"] extends (x: never) => unknown
  ? IsAny<X> extends true
    ? M
    : X extends InputOf<M>
      ? M
      : [RankOf<X> & RankOf<InputOf<M>>] extends [never]
        ? WrongLink<`it takes ${NameOf<InputOf<M>>}, and is given ${NameOf<X>}`>
        : M
  : WrongLink<"it takes more than one input">;

type Links<L extends readonly unknown[], X, Done extends readonly unknown[] = []> = L extends readonly [
  infer M extends AnyModule,
  ...infer Rest,
]
  ? Links<Rest, OutputFor<M, X>, [...Done, Link<M, X>]>
  : Done;

/** The layers themselves, with a {@link WrongLink} in the place of each that cannot be where it is. */
export type Linked<L extends readonly AnyModule[]> = number extends L["length"] ? L : Links<L, InputOfAll<L>>;

/** A list that is only read. */
export type Places<L extends readonly unknown[]> = { readonly [K in keyof L]: L[K] };

type FromEnd<
  L extends readonly unknown[],
  N extends number,
  Seen extends readonly unknown[] = [unknown],
> = L extends readonly [...infer Rest, infer Last]
  ? Seen["length"] extends N
    ? Last
    : FromEnd<Rest, N, [...Seen, unknown]>
  : undefined;

/** What lies at a place of a list, counted from its end where the place is negative. */
export type At<L extends readonly unknown[], I extends number> = number extends L["length"] | I
  ? L[number] | undefined
  : `${I}` extends `-${infer N extends number}`
    ? FromEnd<L, N>
    : I extends keyof L
      ? L[I]
      : undefined;
