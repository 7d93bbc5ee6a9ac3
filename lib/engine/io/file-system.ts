/**
 * Models in folders: what `model.save("file://...")`, `tf.loadLayersModel("file://...")` and `tf.loadGraphModel("file://...")` do in Node. The
 * files are tfjs-node's: `model.json` and `weights.bin`.
 */
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { io } from "@tensorflow/tfjs-core";
import { ModelFileError } from "./error.ts";
import { readWeights } from "./weights.ts";
import { writeTogether } from "./write.ts";

const scheme = "file://";
const modelName = "model.json";
const weightsName = "weights.bin";

/** A handler that both saves and loads. */
export type FileSystemHandler = Required<io.IOHandler>;

/**
 * A handler for `model.save`, `tf.loadLayersModel` and `tf.loadGraphModel`, as `tf.io.fileSystem` of tfjs-node.
 *
 * @param path to save, the folder, which is made where it does not exist; to load, the model's JSON file. Relative to the working directory.
 * @returns a handler whose functions reject with {@link ModelFileError} where files are missing, cut off or of another kind
 * @throws ModelFileError where the path is empty
 * @example
 * await model.save(fileSystem("models/first"));
 * const again = await tf.loadLayersModel(fileSystem("models/first/model.json"));
 */
export function fileSystem(path: string): FileSystemHandler {
  if (typeof path !== "string" || path === "") {
    const got = Array.isArray(path) ? `${path.length} of them` : JSON.stringify(path);
    throw new ModelFileError("", `A model's path is ${got}, expected one path: a folder, or a model's JSON file.`);
  }
  const absolute = resolve(path);
  return { save: (artifacts) => save(absolute, artifacts), load: () => load(absolute) };
}

async function save(folder: string, artifacts: io.ModelArtifacts): Promise<io.SaveResult> {
  if (artifacts.modelTopology instanceof ArrayBuffer) {
    throw new ModelFileError(
      folder,
      `${folder}: the model's topology is binary, expected JSON, as models of tfjs have it.`,
    );
  }
  await makeFolder(folder);
  const { weightSpecs, weightData } = artifacts;
  const files = new Map<string, string | readonly Uint8Array[]>();
  if (weightData !== undefined) {
    files.set(
      weightsName,
      [weightData].flat().map((buffer) => new Uint8Array(buffer)),
    );
  }
  // The weights first: whoever finds the new description finds the weights that belong to it.
  files.set(
    modelName,
    JSON.stringify({
      modelTopology: artifacts.modelTopology,
      weightsManifest: weightData === undefined ? undefined : [{ paths: [weightsName], weights: weightSpecs ?? [] }],
      format: artifacts.format,
      generatedBy: artifacts.generatedBy,
      convertedBy: artifacts.convertedBy,
      trainingConfig: artifacts.trainingConfig ?? undefined,
      signature: artifacts.signature ?? undefined,
      userDefinedMetadata: artifacts.userDefinedMetadata ?? undefined,
      modelInitializer: artifacts.modelInitializer ?? undefined,
      initializerSignature: artifacts.initializerSignature ?? undefined,
    }),
  );
  await writeTogether(folder, files);
  return { modelArtifactsInfo: io.getModelArtifactsInfoForJSON(artifacts) };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST" && code !== "ENOTDIR") {
      throw error;
    }
    const what = code === "EEXIST" ? "it is a file" : "a part of its path is a file";
    throw new ModelFileError(
      folder,
      `A model cannot be saved in ${folder}: ${what}, expected a folder or a free name.`,
      {
        cause: error,
      },
    );
  }
}

async function load(file: string): Promise<io.ModelArtifacts> {
  const fail = (what: string, cause?: unknown): never => {
    throw new ModelFileError(file, `A model cannot be loaded from ${file}: ${what}.`, { cause });
  };
  const info = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") {
      return fail("there is no such file", error);
    }
    return fail(error.code === "ENOTDIR" ? `${dirname(file)} is no folder` : error.message, error);
  });
  if (info.isDirectory()) {
    fail(`it is a folder, expected the model's JSON file, as ${join(file, modelName)}`);
  }
  if (!info.isFile()) {
    fail("it is no regular file");
  }
  let model: io.ModelJSON;
  try {
    model = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    return fail(`it is not JSON: ${(error as Error).message}`, error);
  }
  const isObject = typeof model === "object" && model !== null && !Array.isArray(model);
  if (!isObject || (model.modelTopology === undefined && model.weightsManifest === undefined)) {
    fail('it has neither "modelTopology" nor "weightsManifest", expected the JSON file of a TensorFlow.js model');
  }
  return io.getModelArtifactsForJSON(model, (manifest) => readWeights(file, manifest));
}

/** Versions of tfjs's registry that have our routers already: shared by all copies of this package in a process. */
const registeredKey = Symbol.for("convbook.engine.fileRouters");

/**
 * Makes tfjs know `file://`. Where somebody else does, before or later (tfjs-node), theirs is taken: tfjs refuses a URL that two handlers save.
 */
export function registerFileRouters(): void {
  const scope = globalThis as { [registeredKey]?: WeakSet<object> };
  scope[registeredKey] ??= new WeakSet();
  if (scope[registeredKey].has(io.registerLoadRouter)) {
    return;
  }
  scope[registeredKey].add(io.registerLoadRouter);
  io.registerLoadRouter(stepAside(io.getLoadHandlers));
  io.registerSaveRouter(stepAside(io.getSaveHandlers));
}

/** A router that answers where no other one does. */
function stepAside(handlers: (url: string) => readonly io.IOHandler[]): Parameters<typeof io.registerLoadRouter>[0] {
  let asking = false;
  // tfjs's types leave null out, which its registry expects where a router does not know a URL.
  const none = null as unknown as io.IOHandler;
  return (url) => {
    if (asking || typeof url !== "string" || !url.startsWith(scheme)) {
      return none;
    }
    asking = true;
    try {
      if (handlers(url).length > 0) {
        return none;
      }
    } finally {
      asking = false;
    }
    return fileSystem(url.slice(scheme.length));
  };
}
