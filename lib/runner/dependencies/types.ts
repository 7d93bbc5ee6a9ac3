/** What is asked and told about a notebook's dependencies. */

export interface DependencyOptions {
  /** Where the kernel works. */
  readonly cwd: string;
  /** The language of the cells. */
  readonly language: string;
  /** The interpreter of a Python kernel, and its environment. */
  readonly python?: { readonly command: string; readonly env: NodeJS.ProcessEnv } | undefined;
  /** The real path of a folder that is no input, whatever names it: the cache. */
  readonly apart?: string | undefined;
}

/** What a notebook depends on; paths are absolute. */
export interface Dependencies {
  /** Whose contents count. */
  readonly files: ReadonlySet<string>;
  /** Everything in which counts. */
  readonly folders: ReadonlySet<string>;
  /** The names and the files in which count; true where those in its folders do, too. */
  readonly listed: ReadonlyMap<string, boolean>;
  readonly python: string | undefined;
  /** The names in capitals that the sources hold: among them those of environment variables. */
  readonly names: ReadonlySet<string>;
  /** What cannot be known before it runs, in words. */
  readonly unknown: ReadonlySet<string>;
}
