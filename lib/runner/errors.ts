/** The errors that a caller may handle. Each carries the exit code that the command line ends with. */

/** Exit codes of the command `nbconvert-ts-runner`; distinct, so that CI can tell what happened. */
export const exitCodes = {
  /** Everything ran as expected. */
  ok: 0,
  /** A cell failed. */
  failedCell: 1,
  /** An option or argument cannot be used. */
  usage: 2,
  /** Stored and fresh outputs differ, an `expect` band was missed, or `strip --check` found outputs. */
  different: 3,
  /** A cell or a notebook ran out of time. */
  timeout: 4,
  /** The kernel died, could not be started, or went over its memory limit. */
  kernelDied: 5,
  /** A file is not a notebook that can be run, or cannot be read or written. */
  badNotebook: 6,
  /** The kernel that a notebook asks for is not installed. */
  noKernel: 7,
  /** Ended by SIGINT, as shells have it. */
  interrupted: 130,
} as const;

/** Base of the errors that this package throws on purpose. */
export class RunnerError extends Error {
  override readonly name: string = "RunnerError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** An option or argument that cannot be used. */
export class UsageError extends RunnerError {
  override readonly name = "UsageError";

  constructor(message: string) {
    super(message, exitCodes.usage);
  }
}

/** A file that is not a notebook, or that cannot be read or written. */
export class NotebookError extends RunnerError {
  override readonly name = "NotebookError";
  /** The notebook's path. */
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, exitCodes.badNotebook, options);
    this.path = path;
  }
}

/** A kernel that is not installed, or whose kernelspec cannot be used. */
export class KernelspecError extends RunnerError {
  override readonly name = "KernelspecError";
  /** The name that was asked for. */
  readonly kernelName: string;
  /** True where there is none of that name; false where there is one that cannot be used. */
  readonly missing: boolean;

  constructor(kernelName: string, message: string, missing = false) {
    super(message, exitCodes.noKernel);
    this.kernelName = kernelName;
    this.missing = missing;
  }
}

/** A kernel that ended, or that could not be started. */
export class KernelDiedError extends RunnerError {
  override readonly name = "KernelDiedError";
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  /** The end of what the kernel wrote to its standard error. */
  readonly stderr: string;

  constructor(message: string, exit: KernelDiedError["exit"], stderr: string) {
    super(message, exitCodes.kernelDied);
    this.exit = exit;
    this.stderr = stderr;
  }
}

/** Longer names are not compared: no slip makes them, and a notebook may hold megabytes of one. */
const longestName = 200;

/** The name in `names` nearest to `name`, if one is near enough to be a slip of the pen. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    if (Math.max(name.length, candidate.length) > longestName) {
      continue;
    }
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Convbook has one of its own: neither package may import the other, and so few lines are no reason for a dependency. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replace, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
