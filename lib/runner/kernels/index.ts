export { type ExecuteOptions, type ExecuteResult, KernelClient } from "./client.ts";
export { type Channel, type Connection, createConnection } from "./connection.ts";
export { jupyterDataPaths } from "./jupyter-paths.ts";
export {
  findKernelspec,
  findKernelspecForLanguage,
  type Kernelspec,
  type KernelspecSearch,
  listKernelspecs,
} from "./kernelspec.ts";
export { KernelManager, type KernelManagerOptions } from "./manager.ts";
export type { Json, Message, MessageHeader } from "./message.ts";
