// Random bytes as Windows 10 gives them to programs written in Go (esbuild, TypeScript 7); Wine before version 9 lacks this library.
#include <stddef.h>
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(void* buffer, unsigned long length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(unsigned char* data, size_t length) {
  const size_t most = 0x40000000;
  while (length > 0) {
    const unsigned long part = (unsigned long)(length < most ? length : most);
    if (!SystemFunction036(data, part)) return FALSE;
    data += part;
    length -= part;
  }
  return TRUE;
}
