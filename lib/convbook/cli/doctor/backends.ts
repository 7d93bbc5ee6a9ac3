/** The backends: which one computes, and why better ones do not. */
import type { Finding } from "./finding.ts";
import { firstLine } from "./finding.ts";

/** How a backend is had that could be there and is not, by the reason why it is not; where nothing helps, nothing. */
export function backendAdvice(name: string, reason: string): string | undefined {
  if (name === "tensorflow" && reason.startsWith("neither")) {
    return "with CUDA: npm install --no-save @tensorflow/tfjs-node-gpu@4.22.0   (it is then the first choice)";
  }
  if (name === "webgpu" && reason.startsWith("the packages")) {
    return "with a graphics card: npm install --no-save webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0   (for inference: CONVBOOK_BACKEND=webgpu)";
  }
  return undefined;
}

/**
 * Starts the backend that everything would run on; choosing it has run a convolution on it.
 *
 * @param hasGpu whether there is a driver for a GPU, without which a GPU's package computes on the processor
 */
export async function checkBackend(hasGpu: boolean): Promise<Finding[]> {
  const { selectBackend } = await import("../../backend/index.ts");
  const info = await selectBackend({ announce: false, training: false }).catch((error: unknown) => firstLine(error));
  if (typeof info === "string") {
    const advice = "unset CONVBOOK_BACKEND, and the best backend that works is taken";
    return [{ topic: "backend", state: "missing", found: info, ...(process.env.CONVBOOK_BACKEND && { advice }) }];
  }
  const onProcessor = info.description.includes("tfjs-node-gpu") && !hasGpu ? ", on the processor: no GPU answers" : "";
  const findings: Finding[] = [{ topic: "backend", state: "ok", found: `${info.description}${onProcessor}` }];
  for (const { name, reason } of info.missing) {
    const advice = backendAdvice(name, reason);
    findings.push({ topic: `backend ${name}`, state: "optional", found: reason, ...(advice && { advice }) });
  }
  return findings;
}

/** How the native engine computes, where it is the backend. */
export async function checkEngine(): Promise<Finding[]> {
  const [{ engine }, { getBackend }] = await Promise.all([import("@convbook/engine"), import("@tensorflow/tfjs-core")]);
  if (getBackend() !== "native") {
    return [];
  }
  const { build, path, precision, hasBf16, implementations } = engine.info();
  const bf16 = hasBf16
    ? "bf16 for inference: CONVBOOK_PRECISION=bf16"
    : `${build === "wasm" ? "WebAssembly" : "this processor"} has no bf16`;
  const findings: Finding[] = [
    {
      topic: "precision",
      state: "ok",
      found: precision === "bf16" ? "bf16 for inference, float32 for training" : `float32 (${bf16})`,
    },
  ];
  if (build === "wasm") {
    findings.push(relaxedFinding(path));
  }
  if (implementations.onednn !== null) {
    const { choices, onednn } = implementations;
    const faster = choices.filter(({ chosen }) => chosen === "onednn").length;
    const found = `oneDNN ${onednn}, chosen for ${faster} of ${choices.length} convolutions measured so far`;
    findings.push({ topic: "oneDNN", state: "ok", found });
  }
  return findings;
}

/** Which of the two files of WebAssembly runs, and what would be faster. */
export function relaxedFinding(path: string, setting = process.env.CONVBOOK_RELAXED_SIMD): Finding {
  const topic = "WebAssembly";
  return path.endsWith("engine-relaxed.wasm")
    ? { topic, state: "ok", found: "with relaxed SIMD" }
    : {
        topic,
        state: "optional",
        found: "without relaxed SIMD, by which convolutions are faster",
        advice: setting === "0" ? "unset CONVBOOK_RELAXED_SIMD" : "Node.js 22 or newer has it",
      };
}
