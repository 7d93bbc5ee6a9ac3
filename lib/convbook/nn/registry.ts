/** What a module consists of, under PyTorch's names: what was registered, and what its fields hold. */
import { OptionError, UnregisteredModuleError } from "./errors.ts";
import type { AnyModule } from "./module.ts";
import { Buffer, CounterBuffer, Parameter } from "./parameter.ts";
import { setOwner } from "./usage.ts";

/** A parameter, a buffer or a child. */
type Part = Parameter | Buffer | CounterBuffer | AnyModule;

/** Whether a value is a module; the class itself stands in a file that needs this one. */
type IsModule = (value: unknown) => value is AnyModule;

/** So many values of an array, a Map, a Set or an object are looked at for modules that hide there. */
const mostLookedAt = 1000;

/**
 * The parts of one module.
 *
 * As PyTorch's attributes, a field that holds a module, a parameter or a buffer is a part under the field's name, unless that part was registered
 * under another name; giving the field another module replaces the part, and null removes it. JavaScript has no way to see an assignment to a
 * field as it happens, so fields are looked at whenever somebody asks for parts. `#private` fields cannot be seen at all.
 */
export class Registry {
  readonly #owner: AnyModule;
  readonly #isModule: IsModule;
  readonly #parameters = new Map<string, Parameter>();
  readonly #buffers = new Map<string, Buffer | CounterBuffer>();
  readonly #modules = new Map<string, AnyModule>();
  /** The name of the part that a field holds. */
  readonly #names = new Map<string, string>();

  constructor(owner: AnyModule, isModule: IsModule) {
    this.#owner = owner;
    this.#isModule = isModule;
  }

  get parameters(): ReadonlyMap<string, Parameter> {
    this.#takeFields();
    return this.#parameters;
  }

  get buffers(): ReadonlyMap<string, Buffer | CounterBuffer> {
    this.#takeFields();
    return this.#buffers;
  }

  get modules(): ReadonlyMap<string, AnyModule> {
    this.#takeFields();
    return this.#modules;
  }

  /**
   * Adds a part under a name of its own.
   *
   * @throws {OptionError} for a name that is empty, has a dot or is taken
   */
  add(name: string, part: Part): void {
    // What was assigned to fields before comes first, as in PyTorch.
    this.#takeFields();
    if (this.#get(name) !== undefined) {
      throw new OptionError(this.#owner.typeName, "a registered name", name, "unique within its module");
    }
    this.#set(name, part);
  }

  #get(name: string): Part | undefined {
    return this.#parameters.get(name) ?? this.#buffers.get(name) ?? this.#modules.get(name);
  }

  #set(name: string, part: Part): void {
    if (name === "" || name.includes(".")) {
      throw new OptionError(this.#owner.typeName, "a registered name", name, "not empty and without dots");
    }
    if (part === this.#owner) {
      throw new OptionError(this.#owner.typeName, `the module "${name}"`, this.#owner.typeName, "another module");
    }
    const map = this.#mapFor(part) as Map<string, Part>;
    // A part keeps its place when another of its kind takes it.
    if (!map.has(name)) {
      this.#delete(name);
    }
    map.set(name, part);
    if (part instanceof Parameter) {
      setOwner(part, this.#owner, name);
    }
  }

  #delete(name: string): void {
    this.#parameters.delete(name);
    this.#buffers.delete(name);
    this.#modules.delete(name);
  }

  #mapFor(value: unknown): Map<string, unknown> | undefined {
    if (value === null || typeof value !== "object") {
      return undefined;
    }
    if (value instanceof Parameter) {
      return this.#parameters;
    }
    if (value instanceof Buffer || value instanceof CounterBuffer) {
      return this.#buffers;
    }
    return this.#isModule(value) ? this.#modules : undefined;
  }

  /** Names under which a part is registered. */
  #namesOf(part: Part): string[] {
    return [...(this.#mapFor(part) as Map<string, unknown>)].filter(([, own]) => own === part).map(([name]) => name);
  }

  #takeFields(): void {
    for (const field of this.#names.keys()) {
      if (!Object.hasOwn(this.#owner, field)) {
        this.#letGo(field);
      }
    }
    for (const [field, value] of Object.entries(this.#owner)) {
      const name = this.#names.get(field);
      if (this.#mapFor(value) === undefined) {
        if (name !== undefined) {
          this.#letGo(field);
        }
        this.#refuseHidden(field, value, []);
      } else if (name === undefined) {
        this.#takeField(field, value as Part);
      } else if (this.#get(name) !== value) {
        this.#set(name, value as Part);
      }
    }
  }

  #takeField(field: string, part: Part): void {
    const taken = new Set(this.#names.values());
    const registered = this.#namesOf(part);
    // Under the name that it was registered under, whatever the field's; a second field with it is a second name, as in PyTorch.
    const name = registered.find((known) => !taken.has(known)) ?? field;
    if (this.#get(name) !== part) {
      this.#set(name, part);
    }
    this.#names.set(field, name);
  }

  /** A field that no longer holds a part. */
  #letGo(field: string): void {
    const name = this.#names.get(field) as string;
    this.#names.delete(field);
    if (![...this.#names.values()].includes(name)) {
      this.#delete(name);
    }
  }

  /** Refuses layers in an array, a Map, a Set or a plain object, where nobody would find them. */
  #refuseHidden(field: string, value: unknown, above: readonly unknown[]): void {
    const entries = entriesOf(value);
    if (entries === undefined || above.length > 2 || above.includes(value)) {
      return;
    }
    for (const [key, item] of entries) {
      if (this.#mapFor(item) === undefined) {
        this.#refuseHidden(`${field}${key}`, item, [...above, value]);
      } else if (!this.#isKnown(item as Part)) {
        throw new UnregisteredModuleError(this.#owner.typeName, [`${field}${key}, ${titleOf(item as Part)}`]);
      }
    }
  }

  /** Whether a part is registered here or below, or is meant to be left alone: a network whose parameters are all frozen. */
  #isKnown(part: Part): boolean {
    if (this.#namesOf(part).length > 0) {
      return true;
    }
    if (part instanceof Parameter) {
      return !part.requiresGrad || [...this.#modules.values()].some((child) => child.parameters().includes(part));
    }
    if (part instanceof Buffer || part instanceof CounterBuffer) {
      return true;
    }
    if ([...this.#modules.values()].some((child) => child.modules().includes(part))) {
      return true;
    }
    const parameters = part.parameters();
    return parameters.length > 0 && parameters.every((parameter) => !parameter.requiresGrad);
  }
}

function titleOf(part: Part): string {
  return part instanceof Parameter ? `a Parameter [${part.shape.join(", ")}]` : (`${part}`.split("\n", 1)[0] ?? "");
}

/** What a container holds, with how one writes its place; undefined for what is no container. */
function entriesOf(value: unknown): [place: string, item: unknown][] | undefined {
  if (value === null || typeof value !== "object") {
    return undefined;
  }
  const placed = (entries: Iterable<[unknown, unknown]>, place: (key: unknown) => string): [string, unknown][] =>
    [...entries].map(([key, item]) => [place(key), item]);
  if (Array.isArray(value)) {
    return placed(value.slice(0, mostLookedAt).entries(), (i) => `[${i}]`);
  }
  if (value instanceof Map && value.size <= mostLookedAt) {
    return placed(value, (key) => `.get(${JSON.stringify(key)})`);
  }
  if (value instanceof Set && value.size <= mostLookedAt) {
    return placed([...value].entries(), () => " (a Set)");
  }
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    return undefined;
  }
  return placed(Object.entries(value).slice(0, mostLookedAt), (key) => `.${key}`);
}
