export { type BackendName, backendNames } from "./candidates.ts";
export { BackendError, type BackendInfo, type SelectBackendOptions, selectBackend } from "./select.ts";
