/** MPI in this process: whether it is there, where it is started, how it ends. */
import { inspect } from "node:util";
import { Communicator } from "./communicator.ts";
import { MpiError } from "./errors.ts";
import { type Launcher, launcherOf } from "./launcher.ts";
import { loadNative, type NativeMpi, type Place } from "./native.ts";

/** Options of {@link Mpi.init}. */
export interface InitOptions {
  /** Seconds that a call waits for the other ranks before it gives up; default 1800, as in PyTorch. */
  readonly timeout?: number;
}

const threadLevels = ["single", "funneled", "serialized", "multiple"] as const;
/** How long a rank that fails waits for the others to say why they end, s. */
const patience = 5;

/** With what a library's processes find one another. */
function howToStart(launcher: Launcher["name"], family: string): string {
  const isMpich = family === "MPICH";
  return launcher === "srun"
    ? `with srun --mpi=${isMpich ? "pmi2" : "pmix"}`
    : `with ${family}'s launcher (Debian: ${isMpich ? "mpiexec.mpich" : "mpirun.openmpi"})`;
}

/** All ranks of the program. */
export class World extends Communicator {
  /** The number of this rank among those of its machine. */
  readonly localRank: number;
  /** Ranks on this machine. */
  readonly localSize: number;
  /** The machine's number, by its lowest rank. */
  readonly node: number;
  /** Machines. */
  readonly nodes: number;
  /** The thread support that the library gave. The binding calls it from one thread and needs `funneled`. */
  readonly threadLevel: (typeof threadLevels)[number];

  /** Made by `mpi.init()`. */
  constructor(native: NativeMpi, place: Place, timeout: number) {
    super(native, 0, place.rank, place.size, timeout);
    this.localRank = place.localRank;
    this.localSize = place.localSize;
    this.node = place.node;
    this.nodes = place.nodes;
    this.threadLevel = threadLevels[place.threadLevel] ?? "single";
  }
}

/** An error as other ranks hear of it. */
function wordsOf(error: unknown): string {
  return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 900);
}

/** MPI, once a process. */
export class Mpi {
  #world: World | undefined;
  #hasEnded = false;
  /** What ends this process; Node would print it when the handlers of the exit have run. */
  #uncaught: unknown;
  /** The failure of another rank because of which this one ends, too: it is passed on, for not everybody may have heard of it. */
  #peerFailure: MpiError | undefined;

  /** Whether this machine has an MPI library that the binding was built with. */
  get available(): boolean {
    return loadNative().native !== undefined;
  }

  /** Why it is not {@link available}, and how to get it. */
  get reason(): string | undefined {
    return loadNative().reason;
  }

  /** The library that the binding was compiled with: `Open MPI` or `MPICH`. */
  get family(): string | undefined {
    return loadNative().native?.family;
  }

  /** The library's own words about its version. */
  get library(): string | undefined {
    return loadNative().native?.library.split("\n", 1)[0]?.replaceAll(/\s+/g, " ").trim();
  }

  /** What started this process, by its environment: MPI need not be started to know. */
  get launcher(): Launcher | undefined {
    return launcherOf();
  }

  /** All ranks, between {@link init} and {@link finalize}. */
  get world(): World | undefined {
    return this.#world;
  }

  /**
   * Starts MPI, or gives what was started before. It ends with the process: together with the other ranks when all end well, and with the
   * whole program, others told why, when this process ends with an error.
   *
   * @throws MpiError where there is no MPI, or the launcher is another library's
   */
  init({ timeout = 1800 }: InitOptions = {}): World {
    if (!(typeof timeout === "number" && timeout > 0)) {
      throw new MpiError("argument", `init.timeout must be a number of seconds above 0, got ${timeout}.`);
    }
    if (this.#world !== undefined) {
      this.#world.timeout = timeout;
      return this.#world;
    }
    if (this.#hasEnded) {
      throw new MpiError("gone", "MPI has ended in this process, and cannot be started twice.");
    }
    const { native, reason } = loadNative();
    if (native === undefined) {
      throw new MpiError("unavailable", `There is no MPI: ${reason}.`);
    }
    const place = native.start();
    if (typeof place === "string") {
      throw new MpiError("mpi", `MPI cannot be used: ${place}.`);
    }
    const world = new World(native, place, timeout);
    this.#world = world;
    const atExit = (code: number) => this.#end(native, code);
    process.on("uncaughtExceptionMonitor", (error) => {
      this.#uncaught = error;
      this.fail(error);
      // The last of the exit's handlers: it does not come back.
      process.off("exit", atExit);
      process.on("exit", atExit);
    });
    process.on("exit", atExit);
    const { launcher } = this;
    if (launcher !== undefined && launcher.size !== world.size) {
      throw new MpiError(
        "launcher",
        `${launcher.name} started ${launcher.size} processes, but ${native.family}, which @convbook/mpi is built with, sees ${world.size}: ` +
          `start the program ${howToStart(launcher.name, native.family)}.`,
      );
    }
    return world;
  }

  /** Tells the other ranks that this one has failed: what they call throws, with these words. */
  fail(error: unknown): void {
    if (this.#world === undefined) {
      return;
    }
    if (error instanceof MpiError && error.code === "peer") {
      this.#peerFailure = error;
      return;
    }
    loadNative().native?.fail(wordsOf(error));
  }

  /** Ends MPI, when all ranks have come here. A process ends it by itself when it exits. */
  finalize(): void {
    const { native } = loadNative();
    if (this.#world !== undefined && native !== undefined) {
      this.#end(native, 0);
    }
  }

  /** Ends all processes of the program at once. */
  abort(code = 1): never {
    loadNative().native?.abort(code);
    process.exit(code);
  }

  #end(native: NativeMpi, code: number): void {
    if (this.#hasEnded) {
      return;
    }
    this.#hasEnded = true;
    this.#world = undefined;
    if (code !== 0) {
      const failure = this.#peerFailure;
      native.fail(failure === undefined ? `the process ended with code ${code}` : wordsOf(failure));
    }
    // Said before the ranks let one another go: a launcher kills the others as soon as the first has failed.
    const isFatal = code !== 0 && this.#uncaught !== undefined && process.listenerCount("uncaughtException") === 0;
    if (isFatal) {
      process.stderr.write(`${inspect(this.#uncaught)}\n`);
    }
    const end = native.stop(code, patience);
    if (!end.together) {
      if (end.lost) {
        // The others are to say why they end, too, before they are ended.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patience * 1000);
      }
      native.abort(end.code);
    }
    if (end.code !== code) {
      process.exitCode = end.code;
    }
    if (isFatal) {
      // Within the exit's last handler this ends the process before Node prints the error once more.
      process.exit(end.code);
    }
  }
}

/** MPI in this process. */
export const mpi: Mpi = new Mpi();
