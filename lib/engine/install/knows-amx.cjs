// For binding.gyp: prints 1 when the compiler can make code for Intel AMX that the system could run, else 0.
const { spawnSync } = require("node:child_process");

const flags = ["-std=c++17", "-mavx512f", "-mavx512bf16", "-mamx-tile", "-mamx-bf16"];
const program = `#include <immintrin.h>
void f(const void* p) { _tile_loadd(0, p, 64); _tile_dpbf16ps(1, 0, 2); }
__m512bh g(__m512 a) { return _mm512_cvtne2ps_pbh(a, a); }
`;

exports.knowsAmx = (compiler = process.env.CXX || "c++") => {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return false;
  }
  const [command, ...args] = compiler.split(/\s+/);
  const made = spawnSync(command, [...args, ...flags, "-x", "c++", "-c", "-", "-o", "/dev/null"], {
    input: program,
    stdio: ["pipe", "ignore", "ignore"],
  });
  return made.status === 0;
};

if (require.main === module) {
  console.log(exports.knowsAmx() ? 1 : 0);
}
