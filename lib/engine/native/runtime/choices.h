// Enumerations whose values JavaScript names by number: with the text of their names, by which both sides are compared
// when the module is loaded (bindings/table_bindings.cc).
#pragma once

// HEAD is what stands before the colon, as in `enum class Color`; NAMES the constant with the names.
#define CONVBOOK_CHOICES(HEAD, NAMES, ...) \
  HEAD:                                    \
  int{__VA_ARGS__, Count};                 \
  static constexpr const char* NAMES = #__VA_ARGS__
