/** What may know what. */
import type { Source } from "./sources.ts";

interface Boundary {
  /** Folders below lib that the rule is about. */
  readonly of: string;
  /** Folders below lib that its files may import, besides their own. */
  readonly mayKnow: readonly string[];
  readonly why: string;
}

/** What any part of convbook may know. */
const basics = ["convbook/arguments", "convbook/tensor-data.ts", "convbook/random", "convbook/files"];

const boundaries: readonly Boundary[] = [
  { of: "engine", mayKnow: [], why: "the engine is a backend for whoever uses TensorFlow.js" },
  { of: "mpi", mayKnow: [], why: "the binding of MPI is for whoever computes on several processes" },
  { of: "kernel", mayKnow: [], why: "the kernel runs any TypeScript" },
  { of: "runner", mayKnow: [], why: "the runner runs any Jupyter notebook" },
  { of: "classroom", mayKnow: ["kernel", "runner"], why: "the classroom is for any TypeScript notebook" },
  { of: "convbook/display", mayKnow: ["convbook/arguments"], why: "figures are data, whoever draws them" },
  { of: "convbook/models", mayKnow: ["convbook/nn", ...basics], why: "a model is made of layers" },
  {
    of: "convbook/nn",
    mayKnow: ["engine", "convbook/display/diagram", ...basics],
    why: "layers are used with or without a Trainer",
  },
];

const packages: ReadonlyMap<string, string> = new Map([
  ["@convbook/engine", "engine"],
  ["@convbook/mpi", "mpi"],
  ["@convbook/kernel", "kernel"],
  ["nbconvert-ts-runner", "runner"],
  ["@convbook/classroom", "classroom"],
  ["convbook", "convbook"],
]);

/** The imports that go over a boundary, each as a sentence. */
export function brokenBoundaries(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path, imports }) => {
    const place = path.slice("lib/".length);
    const boundary = boundaries.find(({ of }) => place.startsWith(`${of}/`));
    if (boundary === undefined) {
      return [];
    }
    const isAllowed = (target: string) =>
      [boundary.of, ...boundary.mayKnow].some((folder) => target === folder || target.startsWith(`${folder}/`));
    return imports.flatMap(({ specifier, file }) => {
      const [first = "", second = ""] = specifier.split("/");
      const ours = packages.get(first.startsWith("@") ? `${first}/${second}` : first);
      const target = file?.slice("lib/".length) ?? ours;
      if (target === undefined || isAllowed(target)) {
        return [];
      }
      return [`${path} imports ${specifier}, but ${boundary.why}`];
    });
  });
}

/** Imports of files beside, other than data, that are none of our sources, each as a sentence: the other rules cannot follow them. */
export function lostImports(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier, file }) => specifier.startsWith(".") && file === undefined && !isData(specifier))
      .map(({ specifier }) => `${path} imports ${specifier}, but none of our sources is called so; they end with .ts`),
  );
}

function isData(specifier: string): boolean {
  return /\.(json|wasm|node)$/.test(specifier);
}
