// The thread that calls MPI.
#ifndef CONVBOOK_MPI_WORKER_H_
#define CONVBOOK_MPI_WORKER_H_

#include "job.h"

typedef struct {
  int rank, size;
  // Among the ranks of this machine, and the machine's number.
  int local_rank, local_size;
  int node, nodes;
  // MPI_THREAD_… that was provided, as MPI numbers them: 0 single, 1 funneled, 2 serialized, 3 multiple.
  int thread_level;
} World;

// Called with a job that nobody waits for in post(): when it is done, or with a verdict, while the library has it
// still.
typedef void (*Settle)(Job* job);

// Starts MPI. Once in a process.
bool worker_start(Settle settle, World* world, char* message, size_t capacity);

typedef enum {
  // The job was not taken, and says why.
  POST_REFUSED,
  // It is the MPI thread's until that has done it.
  POST_TAKEN,
  // It was waited for and is done.
  POST_DONE,
  // It was waited for, and the library did not come back; it stays the MPI thread's.
  POST_STUCK,
} Posted;

// Hands a job over. The verdict is set where it was waited for in vain.
Posted worker_post(Job* job, Verdict* verdict);

// Makes the other ranks' calls fail with these words, and this rank's own.
void worker_fail(const char* words);

// Ends MPI together with the other ranks; where they fail, or this one has, within `patience` seconds.
// Sets the exit code that this process should have; false where the others do not come, and worker_abort() is to end
// them. Lost is who was not waited for, because the library does not come back.
bool worker_stop(int* code, double patience, bool* is_lost);

// Ends the whole program, this process too.
void worker_abort(int code);

#endif  // CONVBOOK_MPI_WORKER_H_
