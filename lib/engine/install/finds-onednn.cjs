// For binding.gyp: prints 1 when the compiler finds oneDNN's headers (2.6 or later) and the linker its library, else 0.
const { spawnSync } = require("node:child_process");

const program = `#include <oneapi/dnnl/dnnl.hpp>
#if DNNL_VERSION_MAJOR < 2 || (DNNL_VERSION_MAJOR == 2 && DNNL_VERSION_MINOR < 6)
#error older than 2.6
#endif
int main() { return dnnl_version() == nullptr; }
`;

/** Where programs are linked, not modules, because only there the linker complains of what is missing. */
exports.findsOneDnn = (compiler = process.env.CXX || "c++") => {
  if (process.platform === "win32") {
    return false;
  }
  const [command, ...args] = compiler.split(/\s+/);
  const made = spawnSync(command, [...args, "-std=c++17", "-x", "c++", "-", "-ldnnl", "-o", "/dev/null"], {
    input: program,
    stdio: ["pipe", "ignore", "ignore"],
  });
  return made.status === 0;
};

if (require.main === module) {
  console.log(exports.findsOneDnn() ? 1 : 0);
}
