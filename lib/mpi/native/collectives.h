// Running one job.
#ifndef CONVBOOK_MPI_COLLECTIVES_H_
#define CONVBOOK_MPI_COLLECTIVES_H_

#include <mpi.h>

#include "job.h"

// Makes a communicator of ours the one with this number; 0 is that of all ranks.
int collectives_adopt(MPI_Comm communicator, int* rank, int* size);

// Runs a job on the MPI thread. `asked_to_leave` is looked at while it waits. False where it was given up meanwhile.
bool collectives_run(Job* job, bool (*asked_to_leave)(void));

// Names the ranks that have not told that they wait, too, as those that did not do something with a job.
void collectives_name_absent(const Job* job, const char* what_not, Verdict* verdict);

#endif  // CONVBOOK_MPI_COLLECTIVES_H_
