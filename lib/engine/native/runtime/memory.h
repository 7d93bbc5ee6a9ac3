// Aligned memory: large regions on huge pages, which the system is told to give back without waiting for a collection.
#pragma once
#include <cstddef>

namespace convbook {

// 64-byte aligned; nullptr for 0 bytes or when there is none.
void* alignedAlloc(size_t bytes);
void alignedFree(void* data);

// Regions for tensors: from 1 MiB on, mapped at 2 MiB borders with huge pages where the system has them and is quick to
// give them. `small`: on small pages in any case, for tests.
void* pagesAlloc(size_t bytes, bool small = false);
// Moves some megabytes of a region that was given small pages to huge ones, which are worth a few hundredths of a
// network's time; what was in them is lost. Returns whether there is more to move.
bool pagesSettle(void* data, size_t bytes);
void pagesFree(void* data, size_t bytes);
// Gives the pages back at once; the address range stays valid and reads as zeros or as before.
void pagesDrop(void* data, size_t bytes);

}  // namespace convbook
