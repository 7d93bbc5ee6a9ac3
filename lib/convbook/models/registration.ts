/** What registering a model and registering a block have in common. */
import { checkFunction, checkText } from "../arguments/check.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { Module, OptionError } from "../nn/index.ts";

/** A class, or a function that makes an instance. */
export type Made<Arguments extends unknown[], M> = ((...args: Arguments) => M) | (new (...args: Arguments) => M);

function isClass<Arguments extends unknown[], M>(make: Made<Arguments, M>): make is new (...args: Arguments) => M {
  return make.prototype instanceof Module;
}

function isFunction<Arguments extends unknown[], M>(make: Made<Arguments, M>): make is (...args: Arguments) => M {
  return !isClass(make);
}

/** An instance of a class, or what a function makes; an error where it is no module. */
export function made<Arguments extends unknown[], M>(make: Made<Arguments, M>, what: string, args: Arguments): M {
  const module = isFunction(make) ? make(...args) : new make(...args);
  if (!(module instanceof Module)) {
    throw new OptionError(what, "what its factory returns", module, "a Module");
  }
  return module;
}

let count = 0;

/** How often something was registered in this process. */
export function registrationCount(): number {
  return count;
}

/**
 * Whether this is a notebook's process, where a cell that registers may be run again. Kernels say so with `Symbol.for("jupyter.notebook.io")`;
 * tslab does not, and is known by its command.
 */
function isNotebook(): boolean {
  return Symbol.for("jupyter.notebook.io") in globalThis || /[\\/]tslab([\\/]|$)/.test(process.argv[1] ?? "");
}

/** Checks what is registered, and returns its options. */
export function checkedRegistration<O extends object>(
  owner: string,
  name: string,
  make: unknown,
  options: O,
  known: readonly string[],
  taken: { readonly own: boolean; readonly registered: boolean },
): O {
  checkText(owner, "name", name, "a text");
  checkFunction(owner, "factory", make);
  refuseUnknownOptions(owner, options, known);
  if (taken.own) {
    throw new OptionError(owner, "name", name, "another than the library's own");
  }
  if (taken.registered && !isNotebook()) {
    const expected = "registered once (only in a notebook does a later definition replace an earlier one)";
    throw new OptionError(owner, "name", name, expected);
  }
  count += 1;
  return options;
}
