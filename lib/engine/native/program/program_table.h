// How a program is written down as numbers: the fields of its parts, in order. The reader reads by these tables, and
// JavaScript, which writes programs by a table of its own (program/table.ts), compares it with them when it loads the
// module.
#pragma once
#include <string>

#include "program/program.h"

namespace convbook {

template <class T, class Value = int>
struct ProgramField {
  const char* name;
  Value T::* place;
};

struct ProgramHeader {
  int buffers, norms, operations;  // how many there are
  int output;                      // the buffer that is the result
  int trainable, parameters;
};

inline constexpr ProgramField<ProgramHeader> kHeaderFields[] = {
    {"buffers", &ProgramHeader::buffers},       {"norms", &ProgramHeader::norms},
    {"operations", &ProgramHeader::operations}, {"output", &ProgramHeader::output},
    {"trainable", &ProgramHeader::trainable},   {"parameters", &ProgramHeader::parameters},
};

inline constexpr ProgramField<ProgramBuffer> kBufferFields[] = {
    {"height", &ProgramBuffer::height},
    {"width", &ProgramBuffer::width},
    {"channels", &ProgramBuffer::channels},
};

inline constexpr ProgramField<ProgramNorm> kNormFields[] = {
    {"buffer", &ProgramNorm::buffer}, {"offset", &ProgramNorm::offset},     {"channels", &ProgramNorm::channels},
    {"gamma", &ProgramNorm::gamma},   {"beta", &ProgramNorm::beta},         {"relu", &ProgramNorm::relu},
    {"mean", &ProgramNorm::mean},     {"variance", &ProgramNorm::variance},
};

// Of a normalization, what is no whole number.
inline constexpr ProgramField<ProgramNorm, float> kNormNumbers[] = {
    {"epsilon", &ProgramNorm::epsilon},
    {"share", &ProgramNorm::share},
};

// Of an operation; those of its part follow.
inline constexpr ProgramField<ProgramOp> kOperationFields[] = {
    {"kind", &ProgramOp::kind},
    {"source", &ProgramOp::src},
    {"sourceOffset", &ProgramOp::srcOffset},
    {"inChannels", &ProgramOp::inChannels},
    {"norm", &ProgramOp::norm},
    {"target", &ProgramOp::dst},
    {"targetOffset", &ProgramOp::dstOffset},
    {"outChannels", &ProgramOp::outChannels},
    {"residual", &ProgramOp::residual},
    {"filterHeight", &ProgramOp::filterHeight},
    {"filterWidth", &ProgramOp::filterWidth},
    {"strideHeight", &ProgramOp::strideHeight},
    {"strideWidth", &ProgramOp::strideWidth},
    {"padTop", &ProgramOp::padTop},
    {"padLeft", &ProgramOp::padLeft},
    {"activation", &ProgramOp::activation},
};

inline constexpr ProgramField<ProgramPart> kPartFields[] = {
    {"weight", &ProgramPart::weight},
    {"bias", &ProgramPart::bias},
    {"fold", &ProgramPart::fold},
};

template <class T, class Value, size_t count>
constexpr size_t countOf(const ProgramField<T, Value> (&)[count]) {
  return count;
}

template <class T, class Value, size_t count>
std::string namesOf(const ProgramField<T, Value> (&fields)[count]) {
  std::string names;
  for (const auto& field : fields) names += (names.empty() ? "" : ", ") + std::string(field.name);
  return names;
}

// Fills in fields from the numbers at `at`, which is then behind them.
template <class T, class Value, size_t count, class Number>
void readFields(const ProgramField<T, Value> (&fields)[count], const Number*& at, T& to) {
  for (const auto& field : fields) to.*(field.place) = *at++;
}

}  // namespace convbook
