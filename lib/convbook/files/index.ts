export { removeLeftovers, renameDurably, writeFileAtomic } from "./atomic.ts";
export { compareCodePoints } from "./code-points.ts";
export { joinInside, resolveInside, unsafePathReason } from "./safe-path.ts";
