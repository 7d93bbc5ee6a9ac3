// What the module asks JavaScript for, besides Node-API: ../../wasm/module.ts has these functions.
#pragma once

extern "C" {
// Starts a worker that calls convbook_work(thread); 0 where there are none.
__attribute__((import_module("convbook"), import_name("startWorker"))) int convbookStartWorker(int thread);
// Processors that this program may run on; 1 where there are no workers.
__attribute__((import_module("convbook"), import_name("processors"))) int convbookProcessors();
}
