/** The names that a torch or Lightning checkpoint may contain, and what they make: tensors and plain data. */
import { quote } from "../byte-reader.ts";
import { makeAttributes } from "../pickle/builtins.ts";
import {
  type Buildable,
  isCount,
  PickleRefusal,
  type PickleValue,
  type PickleVocabulary,
  PythonName,
} from "../pickle/values.ts";
import { isStorageName, type TensorCollector } from "./storage.ts";

const functions = new Set([
  "torch._utils._rebuild_tensor",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_tensor_v3",
  "torch._utils._rebuild_parameter",
  "torch._utils._rebuild_parameter_with_state",
  "torch._tensor._rebuild_from_type_v2",
  "torch.serialization._get_layout",
  "torch.Size",
  "torch.device",
  // The types of a tensor that has attributes of its own.
  "torch.Tensor",
  "torch.nn.parameter.Parameter",
  "torch.nn.parameter.Buffer",
]);

/** What torch's functions that give several tensors return: a named tuple. */
const returnType = /^torch\.return_types\.[a-z_]+$/;

/** Classes of learning-rate schedules, of which a state may hold a function. Names, never called. */
const schedulerClass = /^torch\.optim\.lr_scheduler\.[A-Za-z]+(\._annealing_[a-z]+)?$/;

/** Lightning keeps hyper-parameters in a dict with attributes; the module moved from release to release. */
const attributeDicts = new Set([
  "pytorch_lightning.utilities.parsing.AttributeDict",
  "lightning.pytorch.utilities.parsing.AttributeDict",
  "lightning_fabric.utilities.data.AttributeDict",
  "lightning.fabric.utilities.data.AttributeDict",
]);

const dtypes = new Set(
  [
    ...["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"],
    ...["uint16", "uint32", "uint64", "complex32", "complex64", "complex128", "quint8", "qint8", "qint32"],
    ...["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2"],
    ...[1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [`int${bits}`, `uint${bits}`]),
    ...["per_tensor_affine", "per_channel_affine", "per_tensor_symmetric", "per_channel_symmetric"],
  ].map((name) => `torch.${name}`),
);

const savedObject = "an object with its code, and code is never run here; in Python, save its state_dict()";

/** Tensors and objects of kinds that are not read, and what to save in their place. */
const otherKinds: readonly (readonly [name: RegExp, what: string])[] = [
  [
    /^torch\.Complex(Half|Float|Double)Storage$/,
    "a tensor of complex numbers, which is not read here; in Python, save torch.view_as_real(tensor)",
  ],
  [
    /^torch\.(_utils\._rebuild_qtensor|QU?Int\w+Storage)$/,
    "a quantized tensor, which is not read here; in Python, save tensor.dequantize()",
  ],
  [
    /^torch\._utils\._rebuild_sparse(_\w+)?_tensor$/,
    "a sparse tensor, which is not read here; in Python, save tensor.to_dense()",
  ],
  [
    /^torch\._utils\._rebuild_nested_tensor$/,
    "a nested tensor, which is not read here; in Python, save list(tensor.unbind())",
  ],
  [/^torch\._utils\._rebuild_meta_tensor_no_storage$/, "a tensor on the device meta, which has no elements"],
  [
    /^torch\._utils\._rebuild_(xla_tensor|device_tensor_from_numpy|device_tensor_from_cpu_tensor)$/,
    "a tensor of a device that PyTorch itself does not know; in Python, save tensor.cpu()",
  ],
  [/^torch\.(nn\.modules|optim)\.[A-Za-z_.]+$/, savedObject],
  [/^(__torch__|torch\.jit)\./, "a TorchScript program, and code is never run here; in Python, save its state_dict()"],
];

/** Lightning before 1.6 wrote callbacks' classes as keys of their states: names, never called. */
const callbackClass = /^(pytorch_lightning|lightning\.pytorch)\.callbacks(\.[a-z_]+)+\.[A-Z][A-Za-z0-9]*$/;

/** The vocabulary of one file; tensors end up in `tensors`. */
export function torchVocabulary(tensors: TensorCollector): PickleVocabulary {
  return {
    allows: (name) => {
      const full = name.toString();
      if (functions.has(full) || attributeDicts.has(full) || dtypes.has(full)) {
        return true;
      }
      if (returnType.test(full) || schedulerClass.test(full)) {
        return true;
      }
      return isStorageName(name) || callbackClass.test(full);
    },
    refusal: (name) => {
      const full = name.toString();
      const what = otherKinds.find(([pattern]) => pattern.test(full))?.[1];
      return what === undefined
        ? undefined
        : new PickleRefusal("unsupported", `the pickle refers to ${quote(full)}: ${what}`);
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
      if (args.length !== 4) {
        throw new PickleRefusal("malformed", "a tensor is not made from storage, offset, size, stride");
      }
      return tensors.rebuild(args);
    case "torch._utils._rebuild_tensor_v2": {
      if (
        args.length < 6 ||
        args.length > 7 ||
        typeof args[4] !== "boolean" ||
        !isNothing(args[5]) ||
        !(isNothing(args[6]) || args[6] instanceof Map)
      ) {
        throw new PickleRefusal(
          "malformed",
          "a tensor is not made from storage, offset, size, stride, gradient and no hooks",
        );
      }
      checkBits(args[6]);
      return tensors.rebuild(args);
    }
    case "torch._utils._rebuild_tensor_v3": {
      const [, , , , hasGradient, hooks, dtype, metadata] = args;
      const isType = dtype instanceof PythonName && dtype.module === "torch";
      if (args.length < 7 || args.length > 8 || typeof hasGradient !== "boolean" || !isNothing(hooks) || !isType) {
        throw new PickleRefusal(
          "malformed",
          "a tensor is not made from storage, offset, size, stride, gradient, no hooks and its type",
        );
      }
      checkBits(metadata);
      return tensors.rebuild(args, dtype.name);
    }
    case "torch._tensor._rebuild_from_type_v2": {
      // A tensor with attributes of its own, which are no part of its value.
      const [rebuild, type, itsArgs] = args;
      const isKnown =
        rebuild instanceof PythonName &&
        /^torch\._utils\._rebuild_(tensor_v[23]|parameter)$/.test(rebuild.toString()) &&
        type instanceof PythonName &&
        functions.has(type.toString());
      if (args.length !== 4 || !isKnown || !Array.isArray(itsArgs)) {
        throw new PickleRefusal("unsupported", "a tensor of a class that is not PyTorch's own is not read here");
      }
      return call(rebuild, itsArgs, buildable, tensors);
    }
    case "torch.serialization._get_layout":
      return args.length === 1 && typeof first === "string" && /^torch\.[a-z_]+$/.test(first) ? first : undefined;
    case "torch._utils._rebuild_parameter_with_state":
      if (args.length !== 4) {
        throw new PickleRefusal("malformed", "a parameter with a state has no state");
      }
      return call(new PythonName("torch._utils", "_rebuild_parameter"), args.slice(0, 3), buildable, tensors);
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
      const validIndex = second === undefined || isCount(second);
      if (args.length > 2 || typeof first !== "string" || !/^[a-z]+(:\d+)?$/.test(first) || !validIndex) {
        throw new PickleRefusal("malformed", `a torch.device is made from ${quote(String(first))}`);
      }
      return second === undefined ? first : `${first}:${second}`;
    }
    default:
      if (schedulerClass.test(full)) {
        throw new PickleRefusal(
          "unsupported",
          `the pickle makes a ${quote(full)}: a schedule with its code, and code is never run here; in Python, save its state_dict(), of a OneCycleLR without "anneal_func"`,
        );
      }
      if (returnType.test(full)) {
        return Array.isArray(first) ? Object.freeze([...first.slice(0, 64)]) : undefined;
      }
      return attributeDicts.has(full)
        ? makeAttributes(args, { buildable, key: (key) => key, spend: () => {} })
        : undefined;
  }
}

/** A tensor may be kept as its negative or conjugate, to be computed when it is used. */
function checkBits(metadata: PickleValue): void {
  if (metadata instanceof Map && (metadata.get("neg") === true || metadata.get("conj") === true)) {
    throw new PickleRefusal(
      "unsupported",
      "a tensor is kept as the negative or the conjugate of its elements; in Python, save tensor.resolve_neg().resolve_conj()",
    );
  }
}

/** No hooks, no metadata: absent, None or an empty dict. */
function isNothing(value: PickleValue): boolean {
  return value === undefined || value === null || (value instanceof Map && value.size === 0);
}
