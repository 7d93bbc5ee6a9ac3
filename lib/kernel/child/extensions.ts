/** Magics that modules bring: `%load_ext MODULE` imports one and calls what it exports as `loadExtension`. */
import { unknown } from "../compile/magics.ts";
import type { Namespace } from "./importer.ts";
import { exposed, settled, UserError } from "./realm.ts";

/** What a magic of a module knows of its cell. */
export interface MagicCell {
  /** The whole cell, as it was written. */
  readonly source: string;
  /** Its id in the notebook, where the front-end says so, as JupyterLab does. */
  readonly id: string | undefined;
}

/** The cell in which a magic stands. */
export interface CallingCell extends MagicCell {
  readonly import: (specifier: string) => Promise<Namespace>;
}

/** What a module gives for a magic. */
export interface ExtensionMagic {
  readonly help: string;
  /** What it returns is waited for. */
  readonly run: (args: string, cell: MagicCell) => unknown;
}

const magics = new Map<string, ExtensionMagic>();

/** What `loadExtension` gets. */
const extensions = exposed({
  /** Adds a line magic, or replaces one that a module brought before; `help` is what `%lsmagic` says of it. */
  registerMagic(name: string, { help, run }: ExtensionMagic): void {
    if (!/^[A-Za-z_]\w*$/.test(name) || typeof run !== "function") {
      throw new UserError(
        `registerMagic: expected a name of letters, digits and _ with a function run, got ${JSON.stringify(name)}`,
      );
    }
    magics.set(name, { help: String(help), run });
  },
});

/** Loads a module's magics. */
export async function loadExtension(specifier: string, cell: CallingCell): Promise<void> {
  let module: Namespace;
  try {
    module = await cell.import(specifier);
  } catch (error) {
    // A name of IPython's: to install a package of npm that is called so would be bad advice.
    if (/^[A-Za-z_][\w.]*$/.test(specifier) && (error as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND") {
      throw new UserError(
        `%load_ext: there is no package ${specifier} here. It takes modules that export loadExtension; extensions of IPython are Python`,
      );
    }
    throw error;
  }
  const { loadExtension: load } = module;
  if (typeof load !== "function") {
    throw new UserError(`%load_ext: ${specifier} brings no magics: it exports no function loadExtension`);
  }
  await settled(Reflect.apply(load, undefined, [extensions]));
}

/** Runs a magic of a module. */
export async function runExtension(name: string, args: string, { source, id }: CallingCell): Promise<void> {
  const magic = magics.get(name);
  if (magic === undefined) {
    throw new UserError(unknown(`%${name}`, Object.keys(extensionHelp())).message);
  }
  await settled(Reflect.apply(magic.run, undefined, [args, { source, id }]));
}

/** Names and descriptions, as `%lsmagic` lists them. */
export function extensionHelp(): Record<string, string> {
  return Object.fromEntries([...magics].map(([name, { help }]) => [`%${name}`, help]));
}
