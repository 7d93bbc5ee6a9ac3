/** Names of tfjs-node's that are not there: their calls say what to do instead. */

/** Always throws: GIF is not decoded. */
export function decodeGif(): never {
  throw new Error("decodeGif: GIF images are not decoded here; convert them to PNG.");
}

/** Always rejects: TensorFlow's SavedModels need TensorFlow. */
export async function loadSavedModel(): Promise<never> {
  throw savedModels("loadSavedModel");
}

/** Always rejects, as {@link loadSavedModel}. */
export async function getMetaGraphsFromSavedModel(): Promise<never> {
  throw savedModels("getMetaGraphsFromSavedModel");
}

/** @returns how many SavedModels are loaded: none */
export function getNumOfSavedModels(): number {
  return 0;
}

function savedModels(name: string): Error {
  return new Error(
    `${name}: a SavedModel is run by TensorFlow itself, which is not here. Convert it, in Python (pip install tensorflowjs), with ` +
      "tensorflowjs_converter --input_format=tf_saved_model FOLDER OUTPUT, and load it with " +
      'tf.loadGraphModel("file://OUTPUT/model.json").',
  );
}
