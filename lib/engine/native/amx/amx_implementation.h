// Convolutions on AMX tiles, as conv/implementation.h wants them. For kernels of a processor that has them (see amx.h).
#pragma once
#include "conv/implementation.h"

namespace convbook {

ConvImplementation& amxImplementation();

}  // namespace convbook
