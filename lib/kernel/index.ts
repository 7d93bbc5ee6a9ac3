export { type ConsoleOptions, runConsole } from "./console/console.ts";
export {
  bundledKernelSpec,
  type InstallOptions,
  installKernelSpec,
  type KernelSpec,
  KernelSpecError,
  kernelName,
  listKernelSpecs,
  uninstallKernelSpec,
} from "./install/kernelspec.ts";
export { findTypeScript } from "./types/find-typescript.ts";
