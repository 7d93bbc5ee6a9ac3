// C++ exceptions in WebAssembly: what the compiler calls to throw and to find a handler, for which Debian's C++ library
// has no code. The runtime of WebAssembly unwinds; here is how a handler is told by the type that it catches. Handlers
// catch by reference, and what is thrown has one base at most.
#include <cstdint>
#include <cstdlib>
#include <typeinfo>

extern "C" void* _ZTVN10__cxxabiv120__si_class_type_infoE[];

namespace {

constexpr unsigned kCppTag = 0;  // the number of C++'s exceptions among WebAssembly's

// What stands before an object that is thrown.
struct alignas(16) Header {
  const std::type_info* type;
  void* (*destroy)(void*);  // destructors answer with their object here
  void* outer;              // what the handler around its own has caught
};
Header* headerOf(void* object) { return static_cast<Header*>(object) - 1; }

// How the compiler lays out the type of a class with one base.
struct SingleBase {
  void* const* table;
  const char* name;
  const std::type_info* base;
};

bool catches(const std::type_info* wanted, const std::type_info* thrown) {
  for (;;) {
    if (*wanted == *thrown) return true;
    const auto* single = reinterpret_cast<const SingleBase*>(thrown);
    if (single->table != _ZTVN10__cxxabiv120__si_class_type_infoE + 2) return false;
    thrown = single->base;
  }
}

uint32_t readUnsigned(const uint8_t** at) {
  uint32_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = *(*at)++;
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}
int32_t readSigned(const uint8_t** at) {
  uint32_t value = 0;
  int shift = 0;
  uint8_t byte;
  do {
    byte = *(*at)++;
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  if (shift < 32 && (byte & 0x40) != 0) value |= ~uint32_t{0} << shift;
  return static_cast<int32_t>(value);
}

}  // namespace

// The object of the innermost handler that runs.
thread_local void* caught = nullptr;

extern "C" {

// The compiler's code writes the first two before it asks which handler it is.
thread_local struct {
  uint32_t place;
  const uint8_t* table;
  int32_t selector;
} __wasm_lpad_context;

void* __cxa_allocate_exception(size_t bytes) noexcept {
  return static_cast<Header*>(operator new(sizeof(Header) + bytes)) + 1;
}
void __cxa_free_exception(void* object) noexcept { operator delete(headerOf(object)); }

[[noreturn]] void __cxa_throw(void* object, std::type_info* type, void* (*destroy)(void*)) {
  *headerOf(object) = {type, destroy, nullptr};
  __builtin_wasm_throw(kCppTag, object);
}

void* __cxa_begin_catch(void* object) noexcept {
  headerOf(object)->outer = caught;
  caught = object;
  return object;
}

void __cxa_end_catch() {
  void* object = caught;
  const Header* header = headerOf(object);
  caught = header->outer;
  if (header->destroy != nullptr) header->destroy(object);
  __cxa_free_exception(object);
}

// Which of a place's handlers takes the exception: a number of the compiler's, 0 for none.
int _Unwind_CallPersonality(void* object) {
  constexpr uint8_t kOmitted = 0xff;
  auto& context = __wasm_lpad_context;
  context.selector = 0;
  const uint8_t* at = context.table;
  if (*at++ != kOmitted) abort();
  if (*at++ == kOmitted) return 0;
  const uint32_t toTypes = readUnsigned(&at);
  const auto* types = reinterpret_cast<const std::type_info* const*>(at + toTypes);
  at++;  // How places are written: as here.
  const uint32_t placesBytes = readUnsigned(&at);
  const uint8_t* actions = at + placesBytes;
  for (;; readUnsigned(&at)) {
    if (readUnsigned(&at) == context.place) break;
  }
  const uint32_t action = readUnsigned(&at);
  if (action == 0) return 0;
  for (const uint8_t* entry = actions + action - 1;;) {
    const int32_t number = readSigned(&entry);
    if (number > 0) {
      const std::type_info* wanted = types[-number];
      if (wanted == nullptr || catches(wanted, headerOf(object)->type)) {
        context.selector = number;
        return 0;
      }
    }
    const uint8_t* next = entry;
    const int32_t distance = readSigned(&next);
    if (distance == 0) return 0;
    entry += distance;
  }
}
}
