/** The names that a torch or Lightning checkpoint may contain, and what they make: tensors and plain data. */
import { quote } from "../byte-reader.ts";
import { makeAttributes } from "../pickle/builtins.ts";
import {
  type Buildable,
  PickleRefusal,
  type PickleValue,
  type PickleVocabulary,
  type PythonName,
} from "../pickle/values.ts";
import { isStorageName, type TensorCollector } from "./storage.ts";

const functions = new Set([
  "torch._utils._rebuild_tensor",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
  "torch.Size",
  "torch.device",
]);

/** Lightning keeps hyper-parameters in a dict with attributes; the module moved from release to release. */
const attributeDicts = new Set([
  "pytorch_lightning.utilities.parsing.AttributeDict",
  "lightning.pytorch.utilities.parsing.AttributeDict",
  "lightning_fabric.utilities.data.AttributeDict",
  "lightning.fabric.utilities.data.AttributeDict",
]);

const dtypes = new Set(
  ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"].map(
    (name) => `torch.${name}`,
  ),
);

/** Lightning before 1.6 wrote callbacks' classes as keys of their states: names, never called. */
const callbackClass = /^(pytorch_lightning|lightning\.pytorch)\.callbacks(\.[a-z_]+)+\.[A-Z][A-Za-z0-9]*$/;

/** The vocabulary of one file; tensors end up in `tensors`. */
export function torchVocabulary(tensors: TensorCollector): PickleVocabulary {
  return {
    allows: (name) => {
      const full = name.toString();
      if (functions.has(full) || attributeDicts.has(full) || dtypes.has(full)) return true;
      return isStorageName(name) || callbackClass.test(full);
    },
    call: (name, args, buildable) => call(name, args, buildable, tensors),
    persistent: (id) => tensors.declare(id),
  };
}

function call(
  name: PythonName,
  args: readonly PickleValue[],
  buildable: Buildable,
  tensors: TensorCollector,
): PickleValue {
  const [first, second, third] = args;
  const full = name.toString();
  switch (full) {
    case "torch._utils._rebuild_tensor":
      // As files of before PyTorch 0.4 have it, without gradients and hooks.
      if (args.length !== 4)
        throw new PickleRefusal("malformed", "a tensor is not made from storage, offset, size, stride");
      return tensors.rebuild(args);
    case "torch._utils._rebuild_tensor_v2": {
      if (
        args.length < 6 ||
        args.length > 7 ||
        typeof args[4] !== "boolean" ||
        !isNothing(args[5]) ||
        !isNothing(args[6])
      ) {
        throw new PickleRefusal(
          "malformed",
          "a tensor is not made from storage, offset, size, stride, gradient and no hooks",
        );
      }
      return tensors.rebuild(args);
    }
    case "torch._utils._rebuild_parameter":
      if (args.length !== 3 || !tensors.isTensor(first) || typeof second !== "boolean" || !isNothing(third)) {
        throw new PickleRefusal("malformed", "a parameter is not made from a tensor and no hooks");
      }
      return first;
    case "torch.Size":
      if (args.length !== 1 || !Array.isArray(first) || first.length > 64 || !first.every(Number.isSafeInteger)) {
        throw new PickleRefusal("malformed", "a torch.Size is not made from at most 64 whole numbers");
      }
      return Object.freeze([...first]);
    case "torch.device": {
      const validIndex = second === undefined || (Number.isSafeInteger(second) && (second as number) >= 0);
      if (args.length > 2 || typeof first !== "string" || !/^[a-z]+(:\d+)?$/.test(first) || !validIndex) {
        throw new PickleRefusal("malformed", `a torch.device is made from ${quote(String(first))}`);
      }
      return second === undefined ? first : `${first}:${second}`;
    }
    default:
      return attributeDicts.has(full)
        ? makeAttributes(args, { buildable, key: (key) => key, spend: () => {} })
        : undefined;
  }
}

/** No hooks, no metadata: absent, None or an empty dict. */
function isNothing(value: PickleValue): boolean {
  return value === undefined || value === null || (value instanceof Map && value.size === 0);
}
