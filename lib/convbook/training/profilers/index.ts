export { KernelProfiler, type KernelRow } from "./kernel-profiler.ts";
export { Profiler, type ProfilerRow } from "./profiler.ts";
