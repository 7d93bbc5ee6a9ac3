/** The hooks of `import` for Node before 22.15, which runs them in a thread of their own. */
import { Resolver } from "../modules/resolver.ts";
import { ImportHook } from "./import-hook.ts";

let hook: ImportHook;

type Context = Parameters<ImportHook["before"]>[1] & Parameters<ImportHook["load"]>[1];
type Next = (address: string, context: Context) => Promise<unknown>;

/** Node hands over what was registered with the hooks: the notebook's folder. */
export function initialize(folder: string): void {
  hook = new ImportHook(new Resolver(folder));
}

export async function resolve(specifier: string, context: Context, next: Next): Promise<unknown> {
  const first = hook.before(specifier, context);
  if (first !== undefined) {
    return first;
  }
  try {
    return await next(specifier, context);
  } catch (error) {
    return hook.after(error, specifier, context);
  }
}

export async function load(url: string, context: Context, next: Next): Promise<unknown> {
  return hook.load(url, context) ?? (await next(url, context));
}
