#pragma once

namespace convbook {

// Processors that this process may run on.
int availableProcessors();

}  // namespace convbook
