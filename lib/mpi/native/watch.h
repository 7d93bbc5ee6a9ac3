// Calls of the library that do not come back: because a rank was stopped or cut off within one, or has failed there.
// A second thread asks the other ranks then, where the library allows it, so that an error can say which one it was.
#ifndef CONVBOOK_MPI_WATCH_H_
#define CONVBOOK_MPI_WATCH_H_

#include "job.h"

// Starts to watch. `judge` is called by the second thread with the job that is given up; `words_of_failure` gives what
// this process has to tell when it has failed, or NULL.
bool watch_start(void (*judge)(Job* job, const Verdict* verdict), const char* (*words_of_failure)(void));

// All ranks have come, and the library's own call begins.
void watch_enter(Job* job);

// It has ended. False where the job was given up meanwhile: it is nobody's any more.
bool watch_leave(void);

#endif  // CONVBOOK_MPI_WATCH_H_
