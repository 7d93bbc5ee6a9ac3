/** What a worker runs, in Node or in a page, as text, so that it is there in bundles and needs no loader. */

/** `work(setup)`: makes an instance of the module on the memory and runs its function for workers, which does not return. */
export const workerText = `
const work = ({ module, memory, thread, stack, variables }) => {
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === "memory" ? memory : () => { throw new Error("A worker called " + name); };
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  exports.__stack_pointer.value = stack;
  exports.__wasm_init_tls(variables);
  exports.convbook_work(thread);
};
`;
