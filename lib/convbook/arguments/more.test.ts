/** Arguments that PyTorch's classes have and ours do not are refused, not passed over. */
import { expect, it } from "vitest";
import { nn, transforms } from "../index.ts";

type AnyClass = new (...args: readonly unknown[]) => unknown;

it.each([
  ["ELU", [0.5, true], "ELU: the arguments must be no more, got true."],
  ["LeakyReLU", [0.2, true], "LeakyReLU: the arguments must be no more, got true."],
  ["GELU", [{}, "tanh"], "GELU: the arguments must be no more, got "],
  ["ReLU", [true], "ReLU: the arguments must be no more, got true."],
  ["Activation", ["elu", 0.5], "ELU: the arguments must be no more, got 0.5."],
  ["Flatten", [0], "Flatten: the arguments must be none, all dimensions but the batch becoming one, got 0."],
  ["AdaptiveAvgPool2d", [2, 3], "AdaptiveAvgPool2d: the arguments must be one, [height, width] for two sizes, got 3."],
  ["AdaptiveMaxPool2d", [2, 3], "AdaptiveMaxPool2d: the arguments must be one, [height, width] for two sizes, got 3."],
])("nn.%s(%j)", (name, args, message) => {
  const Class = (nn as unknown as Record<string, AnyClass>)[name] as AnyClass;
  expect(() => new Class(...args)).toThrow(message);
});

it("transforms.CenterCrop", () => {
  const Class = transforms.CenterCrop as AnyClass;
  expect(() => new Class(3, 4)).toThrow("CenterCrop: the arguments must be one, [height, width] for two sizes, got 4.");
});
