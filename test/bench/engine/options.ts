/** What the command line of the benchmark asks for. */
import { networks } from "./networks.ts";
import { findPythons, type Python } from "./peers.ts";

export const partNames = [
  "speed",
  "roofline",
  "startup",
  "isa",
  "busy",
  "memory",
  "scaling",
  "backends",
  "precision",
  "reproducible",
  "implementations",
  "shapes",
  "own",
  "programs",
  "winograd",
  "depthwise",
  "single",
  "imagenet",
  "mobile",
  "wide",
  "operations",
  "wasm",
  "partition",
] as const;
export type PartName = (typeof partNames)[number];

export interface Options {
  readonly parts: readonly PartName[];
  /** Names of networks; all four where none is given. */
  readonly names: readonly string[];
  /** Whether the networks were named, so that parts which take one by default take these. */
  readonly named: boolean;
  readonly batch: number;
  /** Whether the batch was named, so that parts whose usual one is another take this. */
  readonly batchGiven: boolean;
  readonly rounds: number;
  /** 0: all processors. */
  readonly threads: number;
  /** "": the best. */
  readonly isa: string;
  readonly profile: boolean;
  /** Where the figure of `scaling` goes. */
  readonly figure: string | undefined;
  /** The folder of another checkout, for `own`. */
  readonly against: string | undefined;
  /** Another Node, for `wasm`: with relaxed SIMD beside without. */
  readonly node: string | undefined;
  /** The first Python that has PyTorch; undefined: only our own side is measured. */
  readonly python: string | undefined;
  /** All of them: `speed` and the parts like it are against the best. */
  readonly pythons: readonly Python[];
  /** Whether PyTorch's networks run under torch.compile, too. */
  readonly compiles: boolean;
  /** Whether PyTorch's processes keep the memory that they free. */
  readonly keepsMemory: boolean;
}

/** One table of results. */
export interface Section {
  readonly title: string;
  /** How the numbers are defined. */
  readonly note: string;
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
}

function value(args: readonly string[], name: string): string | undefined {
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}

function count(args: readonly string[], name: string, otherwise: number, least: number): number {
  const text = value(args, name);
  if (text === undefined) {
    return otherwise;
  }
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) {
    return number;
  }
  throw new Error(`--${name}: expected an integer of at least ${least}, got "${text}"`);
}

const known = ["parts", "batch", "rounds", "threads", "isa", "figure", "against", "python", "node"];
const flags = ["own", "profile", "compile", "keep-memory"];

/** @throws Error naming an option, part or network that is not known. */
export function parseOptions(args: readonly string[]): Options {
  for (const arg of args) {
    const name = arg.replace(/^--/, "").split("=", 1)[0] ?? "";
    if (!arg.startsWith("--")) {
      if (networks[arg] === undefined) {
        throw new Error(`No network is named "${arg}"; there are: ${Object.keys(networks).join(", ")}`);
      }
    } else if (arg.includes("=") ? !known.includes(name) : !flags.includes(name)) {
      const all = [...known.map((option) => `--${option}=...`), ...flags.map((flag) => `--${flag}`)];
      throw new Error(`The benchmark has no option "${arg}"; there are: ${all.join(", ")}`);
    }
  }
  const profile = args.includes("--profile");
  const wanted = value(args, "parts")?.split(",") ?? (profile ? ["speed"] : ["speed", "roofline", "startup"]);
  const parts = wanted.includes("all") ? partNames : wanted.map(parsePart);
  const names = Object.keys(networks).filter((name) => args.includes(name));
  const programs = args.filter((arg) => arg.startsWith("--python=")).map((arg) => arg.slice("--python=".length));
  const pythons = args.includes("--own") ? [] : findPythons(programs);
  if (pythons.length === 0 && !args.includes("--own")) {
    console.error("PyTorch was not found (Debian: apt install python3-torch): measuring our own side only");
  }
  return {
    parts,
    names: names.length > 0 ? names : Object.keys(networks),
    named: names.length > 0,
    batch: count(args, "batch", 128, 1),
    batchGiven: value(args, "batch") !== undefined,
    rounds: count(args, "rounds", 5, 1),
    threads: count(args, "threads", 0, 0),
    isa: value(args, "isa") ?? "",
    profile,
    figure: value(args, "figure"),
    against: value(args, "against"),
    node: value(args, "node"),
    python: pythons[0]?.program,
    pythons,
    compiles: args.includes("--compile"),
    keepsMemory: args.includes("--keep-memory"),
  };
}

function parsePart(name: string): PartName {
  const part = partNames.find((candidate) => candidate === name);
  if (part !== undefined) {
    return part;
  }
  throw new Error(`--parts: no part is named "${name}"; there are: all, ${partNames.join(", ")}`);
}

/** The networks of a part that takes only the first ones where none is named. */
export function networksOf({ names, named }: Options, otherwise: readonly string[]): readonly string[] {
  return named ? names : otherwise;
}
