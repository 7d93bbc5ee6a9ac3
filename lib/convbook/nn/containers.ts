import * as tf from "@tensorflow/tfjs-core";
import { OptionError } from "./errors.ts";
import { type AnyModule, Module } from "./module.ts";

/**
 * Modules one after the other, each given what the one before returned. Registered under their places "0", "1", ..., layers without
 * parameters counted too, or under given names.
 *
 * @example
 * new Sequential(new Conv2d(3, 16, { kernelSize: 3 }), new BatchNorm2d(16), new ReLU());
 * new Sequential({ conv: new Conv2d(3, 16, { kernelSize: 3 }), act: new ReLU() });
 */
export class Sequential extends Module {
  readonly #layers: readonly AnyModule[];

  /**
   * @param layers the layers, or one object or Map of them by name
   * @throws {OptionError} for what is no module, and for a name in an object that is a whole number, whose place in it nobody knows
   */
  constructor(...layers: AnyModule[] | [Readonly<Record<string, AnyModule>> | ReadonlyMap<string, AnyModule>]) {
    super();
    const [first] = layers;
    const named =
      layers.length === 1 && typeof first === "object" && first !== null && !(first instanceof Module)
        ? this.#inOrder(first)
        : layers.map((layer, i): [string, AnyModule] => [`${i}`, layer as AnyModule]);
    this.#layers = named.map(([name, layer]) => this.registerModule(name, layer));
  }

  #inOrder(layers: Readonly<Record<string, AnyModule>> | ReadonlyMap<string, AnyModule>): [string, AnyModule][] {
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

  /** The module at a place; negative places count from the end. */
  at(index: number): AnyModule | undefined {
    return this.#layers.at(index);
  }

  [Symbol.iterator](): Iterator<AnyModule> {
    return this.#layers[Symbol.iterator]();
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      let y = x;
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
