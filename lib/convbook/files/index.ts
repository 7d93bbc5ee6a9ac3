export { removeLeftovers, renameDurably, writeFileAtomic } from "./atomic.ts";
export { joinInside, resolveInside, unsafePathReason } from "./safe-path.ts";
