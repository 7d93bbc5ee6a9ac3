export { linkAtomic, removeLeftovers, renameDurably, writeFileAtomic } from "./atomic.ts";
export { compareCodePoints } from "./code-points.ts";
export { expandHome } from "./expand-home.ts";
export { commandsAreScripts, compilerAdvice, userCacheFolder } from "./platform.ts";
export { joinInside, resolveInside, unsafePathReason } from "./safe-path.ts";
export { codeOf, messageOf } from "./thrown.ts";
