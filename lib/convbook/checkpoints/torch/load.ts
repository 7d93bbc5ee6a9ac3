/** Reading what `torch.save` wrote. */
import { ByteReader, quote } from "../byte-reader.ts";
import { CheckpointError } from "../error.ts";
import { PickleRefusal, type PickleValue } from "../pickle/values.ts";
import { readWholeFile } from "../read-file.ts";
import { isLegacy, readLegacy } from "./legacy.ts";
import { isZip, readZip } from "./zip.ts";

/** Limits of `parseTorch` and `loadTorch`. */
export interface ParseTorchOptions {
  /** Named in errors. */
  readonly file?: string;
  /**
   * Bytes that tensors may take which are not simple slices of their storage (transposed, expanded ones), and that inflated entries
   * may take beyond the file's length; without a limit a small file could demand any amount of memory. By default 64 MiB and four
   * times the file's length.
   */
  readonly maxCopiedBytes?: number;
  /**
   * How many lists, tuples, dicts and sets the file may hold, of which a quarter may be dicts and sets; without a limit a
   * small file could demand hundreds of times its length. By default 4,194,304.
   */
  readonly maxContainers?: number;
  /**
   * Whether the tensors may keep the memory of `bytes` where they lie aligned in it, which saves a copy; whoever says so
   * changes the bytes no more. By default they are copied.
   */
  readonly shareMemory?: boolean;
}

/** What other kinds of files are handed over in place of a checkpoint begin with. */
function recognise(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString("latin1");
  if (head.startsWith("version https://git-lfs")) {
    return "this is a Git LFS pointer; fetch the file itself with git lfs pull";
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(head)) {
    return "this is a web page, not a checkpoint: the download went wrong";
  }
  if (head.slice(257, 262) === "ustar") {
    return "this is torch's tar format of before 0.1.10, which is not read here";
  }
  if (head.startsWith("\x89HDF")) {
    return "this is an HDF5 file (Keras), not a checkpoint of torch";
  }
  if (head.startsWith("\x1f\x8b")) {
    return "this is a gzip file; unpack it first";
  }
  if (/^c(collections\nOrderedDict|copy_reg\n_reconstructor|torch[\w.]*\n\w+)\n/.test(head)) {
    return 'this is a pickle, but not a file of torch.save (its magic number is missing): pickle.dump writes such; in Python, torch.save(pickle.load(open(path, "rb")), other_path) makes it one';
  }
  if (head.startsWith("GGUF")) {
    return "this is a GGUF file, not a checkpoint of torch";
  }
  if (/^[\s\S]{8}\{"/.test(head)) {
    return "this is a safetensors file; read it with loadSafetensors";
  }
  return null;
}

/**
 * Reads a checkpoint of torch (either container) from memory, as data: dicts become `Map`, lists arrays, tuples frozen
 * arrays, sets `Set`, tensors {@link TensorData} in row-major order (bfloat16 and float16 widened to float32, uint16 to
 * int32, uint32 and uint64 to int64), integers numbers or bigints. Nothing in the file is executed or looked up.
 *
 * Tensors that share a storage share their memory, as in PyTorch; a storage by itself is a tensor of one dimension.
 * NumPy's scalars and arrays of plain numbers are numbers and tensors; paths, dates, decimals and fractions text; complex
 * numbers, slices and ranges Maps; types and dtypes a `PythonName`. What else an object's class would be needed for is refused.
 *
 * @throws CheckpointError naming the file, the place and the reason
 */
export function parseTorch(bytes: Uint8Array, options: ParseTorchOptions = {}): PickleValue {
  const {
    file = "(memory)",
    maxCopiedBytes = (64 << 20) + 4 * bytes.length,
    maxContainers,
    shareMemory = false,
  } = options;
  const limits = { copyBudget: maxCopiedBytes, ...(maxContainers === undefined ? {} : { maxContainers }) };
  const sharing = shareMemory ? "share" : "copy";
  if (bytes.length === 0) {
    throw new CheckpointError(file, 0, "truncated", "the file is empty");
  }
  try {
    if (isZip(bytes)) {
      return readZip(bytes, file, limits, sharing);
    }
    if (isLegacy(bytes)) {
      return readLegacy(new ByteReader(bytes, file), limits, sharing);
    }
  } catch (error) {
    // A storage's content was refused when it was decoded.
    if (error instanceof PickleRefusal) {
      throw new CheckpointError(file, null, error.reason, error.message);
    }
    throw error;
  }
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(8, bytes.length)).toString("latin1");
  const detail = recognise(bytes) ?? `this is not a checkpoint of torch: it begins with ${quote(start)}`;
  throw new CheckpointError(file, 0, recognise(bytes) === null ? "malformed" : "unsupported", detail);
}

/**
 * Reads a checkpoint of torch from a file, as data: nothing in it is executed.
 *
 * @throws CheckpointError naming the file, the place and the reason
 */
export async function loadTorch(
  path: string,
  options: Pick<ParseTorchOptions, "maxCopiedBytes" | "maxContainers"> = {},
): Promise<PickleValue> {
  return parseTorch(await readWholeFile(path), { ...options, file: path, shareMemory: true });
}
