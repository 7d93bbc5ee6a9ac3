/** How WebGPU is offered to tfjs, with packages that stand in for Dawn; `test/backends` runs the real one where there is a Vulkan driver. */
import { expect, it } from "vitest";
import { chooseAmong, registeringBackend } from "./testing/packages.ts";

const env = { CONVBOOK_BACKEND: "webgpu" };
const dawn = (adapter: string) => `
  exports.globals = { GPUBufferUsage: { MAP_READ: 1 } };
  exports.create = () => ({ requestAdapter: async () => (${adapter}) });`;
const backend = registeringBackend(
  "webgpu",
  "",
  'if (!globalThis.navigator?.gpu || !globalThis.GPUBufferUsage) throw new Error("no navigator.gpu");',
);
/** As on Node 20, where `navigator` is no global. */
const without = "delete globalThis.navigator;";
const after = "[typeof navigator, typeof globalThis.navigator?.gpu]";

it.each([
  ["where Node has no navigator", without],
  ["where Node has one", "globalThis.navigator ??= { hardwareConcurrency: 2 };"],
])("starts %s", (_name, before) => {
  const packages = { webgpu: dawn('{ info: { description: "a card" } }'), "@tensorflow/tfjs-backend-webgpu": backend };
  const choice = chooseAmong(packages, { env, before, after });
  expect(choice.error).toBeUndefined();
  expect(choice).toMatchObject({ name: "webgpu", description: "WebGPU (Dawn, a card)", after: ["object", "object"] });
});

it("leaves no trace where there is no adapter, and says so", () => {
  const packages = { webgpu: dawn("null"), "@tensorflow/tfjs-backend-webgpu": backend };
  const choice = chooseAmong(packages, { env, before: without, after });
  expect(choice.error).toBe('The backend "webgpu" is not there: WebGPU found no adapter');
  expect(choice.after).toEqual(["undefined", "undefined"]);
});

it("is passed over where it computes wrong numbers", () => {
  const zeros = "const out = kernel.kernelFunc(call); call.backend.data.get(out.dataId).values.fill(0); return out;";
  const packages = { webgpu: dawn("{}"), "@tensorflow/tfjs-backend-webgpu": registeringBackend("webgpu", zeros) };
  const choice = chooseAmong(packages, { env, before: without, after });
  expect(choice.error).toContain("WebGPU starts but a convolution gives wrong numbers on it (0 where 45 is right)");
  expect(choice.after).toEqual(["undefined", "undefined"]);
});
