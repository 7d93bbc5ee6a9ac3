import * as tf from "@tensorflow/tfjs-core";
import type { At, ChainInput, ChainOutput, ChainRanks, Linked, Places } from "./chain.ts";
import { OptionError } from "./errors.ts";
import { type AnyModule, Module } from "./module.ts";

/** Layers by their names, in the order in which they are called. */
type NamedLayers = Readonly<Record<string, AnyModule>> | ReadonlyMap<string, AnyModule>;

/** What no argument is: its name is what the type checker says of a list of layers. */
interface WrongLayers<Sentence extends string> {
  readonly wrong: Sentence;
}

/**
 * Modules one after the other, each given what the one before returned. Registered under their places "0", "1", ..., layers without
 * parameters counted too, or under given names.
 *
 * Its type is the list of its layers: it takes what the first takes and gives what the last gives, and a layer that cannot take what it is given
 * is refused by the type checker. Where the layers keep the rank of what they are given, so does it. Of layers under names, and of a list of any modules,
 * the type tells nothing but tensors.
 *
 * @example
 * new Sequential(new Conv2d(3, 16, { kernelSize: 3 }), new BatchNorm2d(16), new ReLU());
 * new Sequential({ conv: new Conv2d(3, 16, { kernelSize: 3 }), act: new ReLU() });
 */
export class Sequential<L extends readonly AnyModule[] = AnyModule[]> extends Module<
  [x: ChainInput<L, ChainRanks<L>>],
  ChainOutput<L, ChainRanks<L>>
> {
  readonly #layers: readonly AnyModule[];

  /**
   * @param layers an object or Map of the layers by name
   * @throws {OptionError} for what is no module, and for a name in an object that is a whole number, whose place in it nobody knows
   */
  constructor(layers: NamedLayers);
  /**
   * @param layers the layers
   * @throws {OptionError} for what is no module
   */
  constructor(...layers: L extends Linked<L> ? L : Linked<L>);
  /** A list is refused, by the type checker too. */
  constructor(layers: WrongLayers<"layers are given one by one, as in new Sequential(a, b), a list as ...list">);
  constructor(...layers: AnyModule[] | [NamedLayers | WrongLayers<string>]) {
    super();
    const [first] = layers;
    if (Array.isArray(first)) {
      const expected =
        "given one by one, as in new Sequential(a, b), a list as ...list, or by name in an object or a Map";
      throw new OptionError(this.typeName, "layers", first, expected);
    }
    const named =
      layers.length === 1 && typeof first === "object" && first !== null && !(first instanceof Module)
        ? this.#inOrder(first as NamedLayers)
        : layers.map((layer, i): [string, AnyModule] => [`${i}`, layer as AnyModule]);
    this.#layers = named.map(([name, layer]) => this.registerModule(name, layer));
  }

  #inOrder(layers: NamedLayers): [string, AnyModule][] {
    if (layers instanceof Map) {
      return [...layers];
    }
    const entries = Object.entries(layers);
    const number = entries.find(([name]) => /^\d+$/.test(name));
    if (number !== undefined) {
      const expected = "no whole number in an object, which would put it first; a Map keeps the order";
      throw new OptionError(this.typeName, "a layer's name", number[0], expected);
    }
    return entries;
  }

  /** Number of modules. */
  get length(): number {
    return this.#layers.length;
  }

  /** The modules in their order, each with its own type. */
  get layers(): Places<L> {
    return this.#layers as AnyModule[] as Places<L>;
  }

  /** The module at a place; negative places count from the end. */
  at<I extends number>(index: I): At<L, I> {
    return this.#layers.at(index) as At<L, I>;
  }

  [Symbol.iterator](): Iterator<L[number]> {
    return this.#layers[Symbol.iterator]();
  }

  forward<R extends tf.Rank>(x: ChainInput<L, R>): ChainOutput<L, R> {
    return tf.tidy(() => {
      let y: ReturnType<AnyModule["forward"]> = x;
      for (const layer of this.#layers) {
        y = layer.forward(y);
      }
      return y;
    });
  }
}

/** Modules kept in a list under their places "0", "1", ...; it has no forward pass of its own. */
export class ModuleList<M extends AnyModule = AnyModule> extends Module<[], void> {
  readonly #list: readonly M[];

  constructor(modules: Iterable<M> = []) {
    super();
    if (typeof modules?.[Symbol.iterator] !== "function" || typeof modules === "string") {
      throw new OptionError(this.typeName, "modules", modules, "a list of modules");
    }
    this.#list = [...modules].map((module, i) => this.registerModule(`${i}`, module));
  }

  /** Number of modules. */
  get length(): number {
    return this.#list.length;
  }

  /** The module at a place; negative places count from the end. */
  at(index: number): M | undefined {
    return this.#list.at(index);
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#list[Symbol.iterator]();
  }

  forward(): never {
    throw new TypeError("A ModuleList has no forward pass: call its modules one by one.");
  }
}
