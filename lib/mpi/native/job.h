// What JavaScript asks of MPI, one piece of work at a time.
//
// All calls of MPI are made by one thread, in the order in which they were asked for: so all ranks of a program that
// asks for the same things in the same order meet, whether it waits for each or not. Where the library allows it, a
// second thread asks the other ranks when a call of the library does not come back (watch.h).
#ifndef CONVBOOK_MPI_JOB_H_
#define CONVBOOK_MPI_JOB_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  KIND_BARRIER,
  KIND_BROADCAST,
  KIND_ALLREDUCE,
  KIND_REDUCE,
  KIND_ALLGATHER,
  KIND_BUCKET,
  KIND_SPLIT,
  KIND_FREE
} Kind;
typedef enum { ELEMENT_FLOAT32, ELEMENT_FLOAT64, ELEMENT_INT32, ELEMENT_UINT8 } Element;
typedef enum { OPERATION_SUM, OPERATION_MAX, OPERATION_MIN } Operation;

typedef enum {
  OUTCOME_DONE,
  // MPI returned an error.
  OUTCOME_MPI,
  // Ranks asked for different things.
  OUTCOME_MISMATCH,
  // A rank did not come in time.
  OUTCOME_TIMEOUT,
  // Another rank has told that it failed.
  OUTCOME_PEER,
  // The communicator was freed, or MPI has ended.
  OUTCOME_GONE,
  OUTCOME_MEMORY,
} Outcome;

// What is told of a piece of work that was not done.
typedef struct {
  Outcome outcome;
  // The rank at fault, or -1.
  int culprit;
  char message[1536];
} Verdict;

typedef struct Job {
  Kind kind;
  Element element;
  Operation operation;
  int communicator;
  // The rank that gives or takes; of a split the colour.
  int root;
  // Of a split.
  int key;
  void* data;
  size_t count;
  // Of allgather: `count` elements of every rank.
  void* received;
  // Of a bucket: arrays that are reduced as one, multiplied by `scale` before.
  float** parts;
  size_t* lengths;
  size_t part_count;
  float scale;
  // Seconds that it waits for the other ranks.
  double timeout;

  Outcome outcome;
  // The rank at fault, or -1.
  int culprit;
  char message[1536];
  // Of a split: the new communicator's number, rank and size.
  int result[3];

  // Whether the asking thread waits in post().
  bool is_waited_for;
  bool is_done;
  // Told while the library has it still: then nobody waits for it any more, and it stays as it is.
  const Verdict* verdict;
  void* owner;
  struct Job* next;
} Job;

// Frees a job and its lists.
void job_free(Job* job);

#endif  // CONVBOOK_MPI_JOB_H_
