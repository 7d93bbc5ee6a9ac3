/** TensorFlow's packages, stood in for: their library cannot be had everywhere. Each choice is made in a process of its own. */
import { engine } from "@convbook/engine";
import { expect, it } from "vitest";
import { engineBackend } from "./testing/engine-backend.ts";
import { chooseAmong, registeringBackend } from "./testing/packages.ts";

const gpu = "@tensorflow/tfjs-node-gpu";
const asked = { CONVBOOK_BACKEND: "tensorflow" };

it("has back what Node 23 removed and it calls (https://github.com/tensorflow/tfjs/issues/8609)", () => {
  const calls = 'if (util.isNullOrUndefined(call) || util.isArray(call)) throw new Error("no");';
  const before = `
    import { createRequire } from "node:module";
    const util = createRequire(import.meta.url)("node:util");
    delete util.isNullOrUndefined; delete util.isArray;`;
  const choice = chooseAmong({ [gpu]: registeringBackend("tensorflow", calls) }, { env: asked, before });
  expect(choice).toMatchObject({ name: "tensorflow", description: `${gpu} (libtensorflow)` });
});

/** What is taken instead: the engine in the build that is here. */
const next = engineBackend ?? "cpu";
it.each([
  [
    "throws at its first operation",
    registeringBackend("tensorflow", 'throw new Error("no such symbol\\nat x")'),
    "is installed but a first convolution fails on it: no such symbol",
  ],
  [
    "computes wrong numbers",
    registeringBackend(
      "tensorflow",
      "return kernel.kernelFunc({ ...call, inputs: { ...call.inputs, filter: call.inputs.x, x: call.inputs.x } });",
    ),
    "is installed but a first convolution fails on it: ",
  ],
  [
    "gives zeros",
    registeringBackend(
      "tensorflow",
      "const out = kernel.kernelFunc(call); call.backend.data.get(out.dataId).values.fill(0); return out;",
    ),
    "is installed but a convolution gives wrong numbers on it (0 where 45 is right)",
  ],
  [
    "does not load",
    'throw new Error("libtensorflow.so.2: cannot open shared object file")',
    "is installed but does not load: libtensorflow.so.2: cannot open shared object file",
  ],
])("is passed over, and says why, where it %s", (_name, code, reason) => {
  const choice = chooseAmong({ [gpu]: code }, { after: "Object.keys(tf.engine().registryFactory)" });
  expect(choice.name).toBe(next);
  expect(choice.missing[0]).toEqual({ name: "tensorflow", reason: expect.stringContaining(`${gpu} ${reason}`) });
  expect(choice.after).not.toContain("tensorflow");
  const named = chooseAmong({ [gpu]: code }, { env: asked });
  expect(named.error).toContain(`The backend "tensorflow" is not there: ${gpu} ${reason}`);
});

it("takes the other package where the first does not work", () => {
  const packages = { [gpu]: 'throw new Error("no CUDA")', "@tensorflow/tfjs-node": registeringBackend("tensorflow") };
  expect(chooseAmong(packages, { env: asked }).description).toBe("@tensorflow/tfjs-node (libtensorflow)");
});

it.runIf(engine.available)("is not taken where the engine is faster, unless it is asked for", () => {
  // Half a second for what is more than the trial's few numbers.
  const slow = `
    if (call.inputs.x.size > 100) {
      for (const until = performance.now() + 500; performance.now() < until; );
      return tf.zeros(call.attrs.filterShape ?? call.inputs.x.shape);
    }`;
  const packages = { [gpu]: registeringBackend("tensorflow", slow) };
  const choice = chooseAmong(packages);
  expect(choice.name).toBe(next);
  expect(choice.missing[0]?.reason).toMatch(
    /^@tensorflow\/tfjs-node-gpu trains a convolution [\d.]+ times slower than the (?:native engine|engine in WebAssembly) here \(CONVBOOK_BACKEND=tensorflow takes it all the same\)$/,
  );
  expect(chooseAmong(packages, { env: asked }).name).toBe("tensorflow");
});
